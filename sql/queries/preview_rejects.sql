SELECT r.reject_id, r.reason, r.detail, f.path, r.line_no, substr(r.raw, 1, 80) AS raw
  FROM rejected_events AS r
  JOIN ingest_files AS f USING (file_id)
 ORDER BY r.reject_id DESC
 LIMIT %(rows)s
