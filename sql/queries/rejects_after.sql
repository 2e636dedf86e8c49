-- The next %(limit)s rejected rows after %(after_id)s, in the order of their ids, with the header and
-- the dialect of their file.
-- Filters that are null do not filter.
SELECT r.reject_id, r.file_id, f.path, r.line_no, r.byte_offset, r.byte_length, r.raw, r.reason, r.detail,
       r.rejected_at, r.replayed_at, l.layout_id, l.columns, l.delimiter, l.escape
  FROM rejected_events AS r
  JOIN ingest_files AS f ON f.file_id = r.file_id
  JOIN ingest_layouts AS l ON l.layout_id = f.layout_id
 WHERE r.reject_id > %(after_id)s
   AND (%(again)s OR r.replayed_at IS NULL)
   AND (%(reason)s::text IS NULL OR r.reason = %(reason)s)
   AND (%(file_id)s::bigint IS NULL OR r.file_id = %(file_id)s)
   AND (%(path)s::text IS NULL OR f.path = %(path)s)
   AND (%(since)s::timestamptz IS NULL OR r.rejected_at >= %(since)s)
   AND (%(reject_ids)s::bigint[] IS NULL OR r.reject_id = ANY (%(reject_ids)s::bigint[]))
 ORDER BY r.reject_id
 LIMIT %(limit)s
