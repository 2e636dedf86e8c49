-- What all summaries share: the transaction of a refresh, its record, and where the events begin.

-- name: summaries.settings
-- Of this transaction alone. READ COMMITTED, because a refresh must see what was committed while it waited for
-- the lock of its record. Days are UTC. A commit that a crash of the server loses takes its record with it and
-- is made again, so it need not wait for the disk. Statistics know nothing of the newest rows: without the ban
-- on sequential scans a refresh could read all history where an index leads to them. JIT would compile for
-- longer than most of these statements run.
SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
SET LOCAL timezone = 'UTC';
SET LOCAL synchronous_commit = off;
SET LOCAL enable_seqscan = %(sequential_scans)s;
SET LOCAL jit = off;
SET LOCAL work_mem = '64MB';

-- name: summaries.lock
SELECT through_batch_id, last_event_id, source_generation, row_count
FROM summary_state
WHERE summary = %(summary)s
FOR UPDATE;

-- name: summaries.lock_source
-- Shared with no writer: while a follower of sessions works, sessions is not refreshed.
SELECT through_batch_id, generation FROM summary_state WHERE summary = 'sessions' FOR SHARE;

-- name: summaries.record
UPDATE summary_state
SET through_batch_id = %(through)s,
    last_event_id = %(last_event_id)s,
    source_generation = %(source_generation)s,
    row_count = %(row_count)s,
    refreshed_at = clock_timestamp()
WHERE summary = %(summary)s;

-- name: summaries.record_rebuild
UPDATE summary_state SET generation = generation + 1, rebuilt_at = clock_timestamp() WHERE summary = %(summary)s;

-- name: summaries.lag
SELECT summary, (SELECT coalesce(max(batch_id), 0) FROM ingest_batches) - through_batch_id FROM summary_state;

-- name: summaries.through
SELECT through_batch_id FROM summary_state WHERE summary = %(summary)s;

-- name: summaries.newest_batch
SELECT coalesce(max(batch_id), 0) FROM ingest_batches;

-- name: summaries.next_batches
-- The last of the batches that come next, as many as stay under the limit of rows but at least one, and how many
-- rows they inserted.
WITH so_far AS (
    SELECT coalesce((SELECT total_rows_inserted FROM ingest_batches WHERE batch_id = %(through)s), 0) AS rows_inserted
),
next_batches AS (
    SELECT batch_id, total_rows_inserted
    FROM ingest_batches
    WHERE batch_id > %(through)s AND batch_id <= %(ceiling)s
      AND total_rows_inserted - ingest_batches.rows_inserted < (SELECT rows_inserted FROM so_far) + %(row_limit)s
)
SELECT coalesce(max(batch_id), %(through)s),
       coalesce(max(total_rows_inserted) - (SELECT rows_inserted FROM so_far), 0)
FROM next_batches;

-- name: summaries.first_later_event
-- The lowest id after `after_id` of an event in a batch after `target`; null where there is none. (`batch_id + 0` keeps
-- the planner to the primary key, in whose order the first row found is the answer.)
SELECT min(id) FROM events WHERE id > %(after_id)s AND batch_id + 0 > %(target)s;

-- name: summaries.floor_of_events
-- From when on the events are all there: the lower bound of the oldest partition, and nothing that retention dropped.
-- Infinity without a partition.
SELECT greatest(coalesce(min(CASE WHEN starts_with(bound, 'FOR VALUES FROM (''')
                                  THEN split_part(bound, '''', 2)::timestamptz
                                  ELSE '-infinity' END), 'infinity'),
                (SELECT max(to_time) FROM dropped_partitions))::text
FROM pg_inherits
JOIN pg_class ON pg_class.oid = inhrelid,
LATERAL pg_get_expr(relpartbound, pg_class.oid) AS bound
WHERE inhparent = 'events'::regclass;

-- name: summaries.floor_of_sessions
-- From when on the sessions are all there, and the events too.
SELECT least(date_trunc('day', min(started_at), 'UTC'), %(floor_of_events)s::timestamptz)::text FROM sessions;

-- name: summaries.starts_at_or_after
SELECT %(start)s::timestamptz >= %(floor)s::timestamptz;

-- name: summaries.audit_days
-- The days (UTC) that an audit of the summaries looks at: the newest finished one that has events (before there is
-- any, the newest), and one of the older ones, chosen by %(seed)s. None from before %(floor)s, when events were dropped.
WITH days AS (
    SELECT DISTINCT (hour AT TIME ZONE 'UTC')::date AS day FROM hourly_traffic WHERE hour >= %(floor)s::timestamptz
    UNION
    SELECT day FROM conversion_funnel WHERE day >= (%(floor)s::timestamptz AT TIME ZONE 'UTC')::date
    UNION
    SELECT (max(max_event_time) AT TIME ZONE 'UTC')::date
      FROM ingest_batches
     WHERE max_event_time < date_trunc('day', now(), 'UTC') AND max_event_time >= %(floor)s::timestamptz
), newest AS (
    SELECT coalesce(max(day) FILTER (WHERE day < (now() AT TIME ZONE 'UTC')::date), max(day)) AS day FROM days
), older AS (
    SELECT days.day
      FROM days, newest
     WHERE days.day < newest.day
     ORDER BY md5(days.day::text || %(seed)s)
     LIMIT 1
)
SELECT day FROM newest WHERE day IS NOT NULL UNION ALL SELECT day FROM older;

-- name: summaries.audit_states
-- What each summary has recorded, how many batches it lacks, and whether it waits to be recomputed from sessions.
SELECT state.summary, state.through_batch_id,
       (SELECT coalesce(max(batch_id), 0) FROM ingest_batches) - state.through_batch_id AS batches_behind,
       state.summary = ANY (%(followers)s) AND state.source_generation <> source.generation AS is_outdated
  FROM summary_state AS state, (SELECT generation FROM summary_state WHERE summary = 'sessions') AS source;
