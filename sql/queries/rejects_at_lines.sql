-- The rejected rows at the given lines (parallel arrays of file ids and line numbers), with the header and
-- the dialect of their file.
SELECT r.reject_id, r.file_id, f.path, r.line_no, r.byte_offset, r.byte_length, r.raw, r.reason, r.detail,
       r.rejected_at, r.replayed_at, l.layout_id, l.columns, l.delimiter, l.escape
  FROM unnest(%(file_ids)s::bigint[], %(line_nos)s::bigint[]) AS line (file_id, line_no)
  JOIN rejected_events AS r ON r.file_id = line.file_id AND r.line_no = line.line_no
  JOIN ingest_files AS f ON f.file_id = r.file_id
  JOIN ingest_layouts AS l ON l.layout_id = f.layout_id
