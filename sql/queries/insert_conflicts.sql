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
  AND ({staged_content}) IS DISTINCT FROM ({stored_content})
