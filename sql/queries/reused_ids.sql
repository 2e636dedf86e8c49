-- The same event id at another time, looked for in new batches.

-- name: reused_ids.create_table
CREATE TEMP TABLE found_reused_ids (
    event_id uuid, event_time timestamptz, other_time timestamptz, batch_id bigint, file_id bigint, line_no bigint
) ON COMMIT DELETE ROWS;

-- name: reused_ids.drop_table
DROP TABLE found_reused_ids;

-- name: reused_ids.by_index
-- Statistics know nothing of the newest rows, and a scan of all would take hours.
SET LOCAL enable_seqscan = off;
SET LOCAL jit = off;

-- name: reused_ids.next
-- The batches to look at next, about %(row_limit)s events, and how many batches wait after them.
WITH state AS (
    SELECT s.ids_through_batch_id AS through,
           coalesce((SELECT total_rows_inserted FROM ingest_batches WHERE batch_id = s.ids_through_batch_id), 0) AS rows
      FROM maintenance_state AS s
)
SELECT state.through,
       coalesce((SELECT max(b.batch_id) FROM ingest_batches AS b
                  WHERE b.batch_id > state.through
                    AND b.total_rows_inserted - b.rows_inserted < state.rows + %(row_limit)s), state.through) AS target,
       coalesce((SELECT max(batch_id) FROM ingest_batches), 0) AS newest
  FROM state;

-- name: reused_ids.find
-- Events of the batches after %(through)s up to %(target)s whose id an event stored earlier has at another time: a
-- probe of the unique index for each new event, so the cost is that of the new events (OFFSET 0 holds the planner to it).
INSERT INTO found_reused_ids
SELECT e.event_id, e.event_time, other.event_time, e.batch_id, e.file_id, e.line_no
  FROM events AS e
 CROSS JOIN LATERAL (
       SELECT o.event_time FROM events AS o
        WHERE o.event_id = e.event_id AND o.event_time <> e.event_time AND o.id < e.id
        LIMIT 1 OFFSET 0) AS other
 WHERE e.batch_id > %(through)s AND e.batch_id <= %(target)s;

-- name: reused_ids.keep
INSERT INTO reused_event_ids (event_id, event_time, other_time, batch_id, file_id, line_no)
SELECT * FROM found_reused_ids ORDER BY batch_id, file_id, line_no LIMIT %(limit)s
ON CONFLICT DO NOTHING;

-- name: reused_ids.record
UPDATE maintenance_state
   SET ids_through_batch_id = %(target)s, ids_reused = ids_reused + %(found)s, ids_looked_at = now();

-- name: reused_ids.forget
-- Those named longest ago, beyond %(keep)s; the count stays.
DELETE FROM reused_event_ids
 WHERE found_at < (SELECT found_at FROM reused_event_ids ORDER BY found_at DESC OFFSET %(keep)s LIMIT 1);

-- name: reused_ids.state
SELECT s.ids_through_batch_id, s.ids_reused, s.ids_looked_at,
       coalesce((SELECT max(batch_id) FROM ingest_batches), 0) AS newest_batch_id,
       (SELECT count(*) FROM reused_event_ids WHERE found_at > now() - make_interval(days => %(days)s)) AS recent,
       ARRAY(SELECT event_id::text FROM reused_event_ids ORDER BY found_at DESC, event_id LIMIT 5) AS examples
  FROM maintenance_state AS s;
