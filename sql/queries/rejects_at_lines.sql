-- The rejected rows at the given lines (parallel arrays of file ids and line numbers).
SELECT r.file_id, r.line_no, r.reject_id, r.replayed_at
  FROM unnest(%(file_ids)s::bigint[], %(line_nos)s::bigint[]) AS line (file_id, line_no)
  JOIN rejected_events AS r ON r.file_id = line.file_id AND r.line_no = line.line_no
