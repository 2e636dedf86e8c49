-- Duplicates whose content differs from the stored event's.
INSERT INTO event_conflicts (file_id, line_no, event_id, event_time, content, batch_id)
SELECT s.file_id, s.line_no, s.event_id, s.event_time, to_jsonb(s) - 'file_id' - 'line_no', %(batch_id)s
FROM merge_duplicates AS d
JOIN {events} AS s ON s.file_id = d.file_id AND s.line_no = d.line_no
JOIN events AS e ON e.event_id = s.event_id AND e.event_time = s.event_time
WHERE (s.user_id, s.session_id, s.action_type, s.product_id, s.price, s.user_agent, s.extra)
    IS DISTINCT FROM (e.user_id, e.session_id, e.action_type, e.product_id, e.price, e.user_agent, e.extra)
