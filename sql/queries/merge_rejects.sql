INSERT INTO rejected_events (file_id, line_no, byte_offset, byte_length, raw, reason, detail, batch_id)
SELECT file_id, line_no, byte_offset, byte_length, raw, reason, detail, %(batch_id)s
FROM {rejects}
ORDER BY file_id, line_no
