-- What a session with the database is, and what it may do.

-- name: session.set
-- The settings of this session, and what each is now. No operator, and no name without its schema: until this has run,
-- the search path is what the role or the database says.
SELECT wanted.name, pg_catalog.set_config(wanted.name, wanted.value, false) AS value
  FROM ROWS FROM (pg_catalog.unnest(%(names)s::pg_catalog.text[]), pg_catalog.unnest(%(values)s::pg_catalog.text[]))
       AS wanted (name, value);

-- name: session.durable
-- What was committed is on disk, where role or database say that it need not be.
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';

-- name: session.array_nulls
-- Of a session as role and database make it.
SELECT pg_catalog.current_setting('array_nulls');

-- name: session.pid
SELECT pg_backend_pid();

-- name: session.limit_lock_wait
SELECT set_config('lock_timeout', %(limit)s, true);

-- name: session.why_read_only
-- Why nothing can be written here, as the given role, in words; null where it can. A managed server may be made
-- read-only because its disk is full, so that is not for us to undo. A setting of the role goes before one of the
-- database, and one in this database before either.
SELECT CASE
    WHEN pg_is_in_recovery() THEN 'it is a standby, which copies another server'
    WHEN coalesce(
        (SELECT split_part(entry, '=', 2) = 'on'
           FROM pg_db_role_setting AS s, unnest(s.setconfig) AS entry
          WHERE split_part(entry, '=', 1) = 'default_transaction_read_only'
            AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
            AND s.setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = %(role)s))
          ORDER BY s.setrole <> 0 AND s.setdatabase <> 0 DESC, s.setrole <> 0 DESC, s.setdatabase <> 0 DESC
          LIMIT 1),
        (SELECT setting = 'on' AND source NOT IN ('user', 'database user')  -- of who asks
           FROM pg_settings WHERE name = 'default_transaction_read_only'))
    THEN 'its default_transaction_read_only is on'
    END;
