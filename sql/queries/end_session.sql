-- For a driver on another host: losing the session of its lease makes it end itself.
SELECT pg_terminate_backend(%(pid)s)
