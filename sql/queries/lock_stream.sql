SELECT pg_try_advisory_lock(hashtext('clickstream.stream')::bigint)
