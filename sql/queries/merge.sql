-- Rows that may be duplicates: from staging into `events`, or not.

-- name: merge.create_suspects
-- Once per session of the sink: the rows of a micro-batch that may be duplicates.
CREATE TEMP TABLE suspects ({columns}, batch_id bigint) ON COMMIT DELETE ROWS;

-- name: merge.count_staged
-- Staged events by file.
SELECT file_id, count(*) FROM {rows} WHERE event_id IS NOT NULL AND file_id <> ALL (%(void)s) GROUP BY file_id;

-- name: merge.staged_pages
SELECT pg_relation_size(%(rows)s::regclass) / current_setting('block_size')::bigint;

-- name: merge.events
-- Staged rows that no event has the identity of become events, in the order of their ids, which makes the index writes
-- cheap; among duplicates the earlier file and line win. Which rows of the staging table: those between two places in it.
-- Says how many were inserted, by file.
WITH inserted AS (
    INSERT INTO events ({columns}, batch_id)
    SELECT {columns}, %(batch_id)s
    FROM {rows}
    WHERE event_id IS NOT NULL AND ctid >= %(first)s::tid AND ctid < %(last)s::tid AND file_id <> ALL (%(void)s)
    ORDER BY event_id, event_time, file_id, line_no
    ON CONFLICT (event_id, event_time) DO NOTHING
    RETURNING file_id
)
SELECT file_id, count(*) FROM inserted GROUP BY file_id;

-- name: merge.insert_new
-- Staged rows that are all expected to be new: cheaper than merge.events, and undone where one is not.
INSERT INTO events ({columns}, batch_id)
SELECT {columns}, %(batch_id)s
FROM {rows}
WHERE event_id IS NOT NULL AND file_id <> ALL (%(void)s)
ORDER BY event_id;

-- name: merge.insert_blocks
-- The events of the blocks of a part, all of which are expected to be new; undone where one is not.
INSERT INTO events ({columns}, batch_id)
SELECT {values}, %(batch_id)s
FROM {rows}
WHERE token = %(token)s AND event_id IS NOT NULL AND file_id <> ALL (%(void)s);

-- name: merge.suspect_blocks
-- The events of the blocks of a part, to be merged.
INSERT INTO suspects ({columns}, batch_id)
SELECT {values}, %(batch_id)s
FROM {rows}
WHERE token = %(token)s AND event_id IS NOT NULL AND file_id <> ALL (%(void)s);

-- name: merge.staged_row
-- The file and line of the staged events between two places of the table.
SELECT file_id, line_no FROM {rows}
WHERE event_id IS NOT NULL AND ctid >= %(first)s::tid AND ctid < %(last)s::tid AND file_id <> ALL (%(void)s);

-- name: merge.by_index
SET LOCAL enable_seqscan = off;
SET LOCAL enable_hashjoin = off;
SET LOCAL enable_mergejoin = off;

-- name: merge.has_row_triggers
-- Whether somebody put a trigger on events that may keep rows from being stored.
SELECT EXISTS (
    SELECT FROM pg_trigger AS t
    WHERE NOT t.tgisinternal
      AND (t.tgrelid = 'events'::regclass
           OR t.tgrelid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'events'::regclass))
);

-- name: merge.suppressed_rows
-- Staged rows that are no event, nor a duplicate of one: a trigger kept them from being stored.
SELECT s.file_id, s.line_no
FROM {rows} AS s
WHERE s.event_id IS NOT NULL AND s.file_id <> ALL (%(void)s)
  AND NOT EXISTS (
      SELECT FROM events AS e WHERE e.event_id = s.event_id AND e.event_time = s.event_time OFFSET 0
  );

-- name: merge.insert_conflicts
-- Staged rows with the identity of an event that came from another row and has other content. For each staged row its event
-- is looked up by the key: OFFSET 0 keeps the planner, which knows nothing of tables this young, from turning the join round.
INSERT INTO event_conflicts (file_id, line_no, event_id, event_time, content, batch_id)
SELECT s.file_id, s.line_no, s.event_id, s.event_time, to_jsonb(c), %(batch_id)s
FROM {rows} AS s
CROSS JOIN LATERAL (
    SELECT file_id, line_no, {content} FROM events
    WHERE events.event_id = s.event_id AND events.event_time = s.event_time
    OFFSET 0
) AS e
CROSS JOIN LATERAL (SELECT s.event_id, s.event_time, {staged_content}) AS c
WHERE (e.file_id, e.line_no) IS DISTINCT FROM (s.file_id, s.line_no)
  AND s.file_id <> ALL (%(void)s)
  AND ({staged_content}) IS DISTINCT FROM ({stored_content});

-- name: merge.by_estimate
SET LOCAL enable_seqscan = on;
SET LOCAL enable_hashjoin = on;
SET LOCAL enable_mergejoin = on;

-- name: merge.rejects
INSERT INTO rejected_events ({columns}, batch_id)
SELECT {columns}, %(batch_id)s
FROM {rows}
WHERE reason IS NOT NULL AND line_no > 0 AND file_id <> ALL (%(void)s)
ORDER BY file_id, line_no;

-- name: merge.reject_blocks
-- The rejects of the blocks of a part.
INSERT INTO rejected_events (file_id, line_no, byte_offset, byte_length, raw, reason, detail, batch_id)
SELECT b.file_id, r.line_no, r.byte_offset, r.byte_length, decode(r.raw, 'base64'), r.reason, r.detail, %(batch_id)s
FROM {rows} AS b
CROSS JOIN LATERAL jsonb_to_recordset(b.rejects) AS r (
    line_no bigint, byte_offset bigint, byte_length bigint, raw text, reason text, detail text
)
WHERE b.token = %(token)s AND b.file_id <> ALL (%(void)s)
ORDER BY b.file_id, r.line_no;
