-- Given back before the session ends: PostgreSQL ends one a moment after its client has left, and the next stream would
-- still find the lock held.
SELECT pg_advisory_unlock(hashtext('clickstream.stream')::bigint)
