-- Staged rows that are no event, nor a duplicate of one: a trigger kept them from being stored.
SELECT s.file_id, s.line_no
FROM {rows} AS s
WHERE s.event_id IS NOT NULL AND s.file_id <> ALL (%(void)s)
  AND NOT EXISTS (
      SELECT FROM events AS e WHERE e.event_id = s.event_id AND e.event_time = s.event_time OFFSET 0
  )
