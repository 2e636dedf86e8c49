-- Duplicates whose content differs from the stored event's.
INSERT INTO event_conflicts (file_id, line_no, event_id, event_time, content, batch_id)
SELECT d.file_id, d.line_no, d.event_id, d.event_time, to_jsonb(d) - 'file_id' - 'line_no', %(batch_id)s
FROM merge_duplicates AS d
JOIN events AS e ON e.event_id = d.event_id AND e.event_time = d.event_time
WHERE (d.user_id, d.session_id, d.action_type, d.product_id, d.price, d.user_agent, d.extra)
    IS DISTINCT FROM (e.user_id, e.session_id, e.action_type, e.product_id, e.price, e.user_agent, e.extra)
