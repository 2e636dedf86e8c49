-- The lease, and whether a living session holds the stream's lock.
SELECT lease.epoch, lease.mode, lease.dagster_run_id, lease.pid, lease.host, lease.spark_ui_url, lease.started_at,
       lease.heartbeat_at, lease.last_progress_at, lease.released_at, lease.wanted, lease.wanted_at, lease.failures,
       lease.next_attempt_at, lease.launched_at, lease.last_reason,
       held.pid AS lock_backend_pid,
       clock_timestamp() AS now
  FROM stream_lease AS lease
  LEFT JOIN (SELECT locks.pid
               FROM pg_locks AS locks
              WHERE locks.locktype = 'relation'
                AND locks.mode = 'ExclusiveLock'
                AND locks.granted
                AND locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                AND locks.relation = 'stream_lock'::regclass
              LIMIT 1) AS held ON true
