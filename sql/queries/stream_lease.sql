-- The lease, and whether a living session holds its advisory lock. A bigint key is split in pg_locks: the upper
-- half in classid, the lower in objid; hashtext is an int4, which may be negative.
SELECT lease.epoch, lease.mode, lease.dagster_run_id, lease.pid, lease.host, lease.spark_ui_url, lease.started_at,
       lease.heartbeat_at, lease.last_progress_at, lease.released_at, lease.wanted, lease.wanted_at, lease.failures,
       lease.next_attempt_at, lease.last_reason,
       held.pid AS lock_backend_pid,
       clock_timestamp() AS now
  FROM stream_lease AS lease
  LEFT JOIN (SELECT locks.pid
               FROM pg_locks AS locks, (SELECT hashtext('clickstream.stream')::bigint AS value) AS key
              WHERE locks.locktype = 'advisory'
                AND locks.granted
                AND locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                AND locks.classid = ((key.value >> 32) & 4294967295)::oid
                AND locks.objid = (key.value & 4294967295)::oid
                AND locks.objsubid = 1
              LIMIT 1) AS held ON true
