SELECT pg_advisory_lock(hashtext('clickstream.maintenance'))
