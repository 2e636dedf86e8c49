INSERT INTO reused_event_ids (event_id, event_time, other_time, batch_id, file_id, line_no)
SELECT * FROM found_reused_ids ORDER BY batch_id, file_id, line_no LIMIT %(limit)s
ON CONFLICT DO NOTHING
