-- Who streams, what is wanted, and how it went: `stream_lease` and its lock.

-- name: lease.lock
-- For as long as this transaction. A view: a table would have to be vacuumed now and then. The mode needs the right to
-- UPDATE, which a reader has not, and leaves readers alone.
LOCK TABLE stream_lock IN EXCLUSIVE MODE NOWAIT;

-- name: lease.take
-- A new epoch, without the reason of an earlier end. Waits for a transaction of the former holder, whose epoch is
-- locked FOR KEY SHARE.
UPDATE stream_lease SET
    epoch = epoch + 1,
    mode = %(mode)s,
    dagster_run_id = %(dagster_run_id)s,
    pid = %(pid)s,
    host = %(host)s,
    spark_ui_url = NULL,
    started_at = clock_timestamp(),
    heartbeat_at = clock_timestamp(),
    last_progress_at = NULL,
    released_at = NULL,
    last_reason = NULL
RETURNING epoch;

-- name: lease.heartbeat
UPDATE stream_lease SET
    heartbeat_at = clock_timestamp(),
    last_progress_at = greatest(last_progress_at, clock_timestamp() - %(progress_age)s * interval '1 second'),
    spark_ui_url = coalesce(%(spark_ui_url)s, spark_ui_url)
WHERE epoch = %(epoch)s;

-- name: lease.note_idle
-- A look that found nothing to do is progress too.
UPDATE stream_lease SET last_progress_at = clock_timestamp();

-- name: lease.check_epoch
-- The fence: no row where another stream took over. FOR KEY SHARE lets heartbeats pass and holds up a take-over.
SELECT epoch FROM stream_lease WHERE epoch = %(epoch)s FOR KEY SHARE;

-- name: lease.release
UPDATE stream_lease SET released_at = clock_timestamp(), heartbeat_at = clock_timestamp(), last_reason = %(reason)s
WHERE epoch = %(epoch)s;

-- name: lease.holder
SELECT mode, pid, host, started_at FROM stream_lease;

-- name: lease.read
-- The lease, and whether a living session holds the stream's lock.
SELECT lease.epoch, lease.mode, lease.dagster_run_id, lease.pid, lease.host, lease.spark_ui_url, lease.started_at,
       lease.heartbeat_at, lease.last_progress_at, lease.released_at, lease.wanted, lease.wanted_at, lease.failures,
       lease.next_attempt_at, lease.launched_at, lease.supervised_at, lease.last_reason,
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
              LIMIT 1) AS held ON true;

-- name: lease.lock_session
-- Start of a session; null where this role may not see it.
SELECT backend_start FROM pg_stat_activity WHERE pid = %(pid)s;

-- name: lease.record_look
-- The supervisor has looked: whoever asks without Dagster can tell whether anybody watches over the stream.
UPDATE stream_lease SET supervised_at = clock_timestamp();

-- name: lease.end_sessions
-- For a driver on another host: all sessions of the stream, so that none is in a transaction when the epoch is raised.
SELECT pg_terminate_backend(pid)
  FROM pg_stat_activity
 WHERE datname = current_database() AND (pid = %(pid)s OR application_name LIKE 'clickstream-stream-%%');

-- name: lease.fence
-- A driver that finds another epoch than its own ends itself; one that only lost its sessions would open others.
UPDATE stream_lease SET epoch = epoch + 1;

-- name: lease.want
-- Asking for the stream forgives earlier failures: the person who asks has repaired something, or wants to see it fail.
UPDATE stream_lease
   SET wanted = %(wanted)s, wanted_at = clock_timestamp(), failures = 0, next_attempt_at = NULL, launched_at = NULL;

-- name: lease.record_launch
-- Counted before the run is requested, so that no way of dying escapes the back-off. From here on a reason on record is
-- the launched run's own.
UPDATE stream_lease
   SET failures = %(failures)s,
       launched_at = clock_timestamp(),
       next_attempt_at = clock_timestamp() + %(pause_seconds)s * interval '1 second',
       last_reason = NULL;

-- name: lease.record_healthy
UPDATE stream_lease SET failures = 0, next_attempt_at = NULL WHERE failures <> 0;

-- name: lease.record_end
UPDATE stream_lease SET last_reason = %(reason)s;

-- name: lease.scratch_owner
-- Since when the stream that holds the lease runs; none where nobody holds it.
SELECT host, started_at FROM stream_lease WHERE released_at IS NULL AND started_at IS NOT NULL;
