-- Some rows of a table, for the metadata of its asset. Those of a summary are in its own file.

-- name: previews.events
SELECT id, event_time, action_type, user_id, session_id, product_id, price, file_id, line_no
  FROM events
 ORDER BY id DESC
 LIMIT %(rows)s;

-- name: previews.rejects
SELECT r.reject_id, r.reason, r.detail, f.path, r.line_no, substr(r.raw, 1, 80) AS raw
  FROM rejected_events AS r
  JOIN ingest_files AS f USING (file_id)
 ORDER BY r.reject_id DESC
 LIMIT %(rows)s;
