-- The newest rejected rows. Filters that are null do not filter.
SELECT r.reject_id, r.file_id, f.path, r.line_no, r.byte_offset, r.byte_length, r.raw, r.reason, r.detail,
       r.rejected_at, r.replayed_at
  FROM rejected_events AS r
  JOIN ingest_files AS f ON f.file_id = r.file_id
 WHERE (%(reason)s::text IS NULL OR r.reason = %(reason)s)
   AND (%(file_id)s::bigint IS NULL OR r.file_id = %(file_id)s)
   AND (%(path)s::text IS NULL OR f.path = %(path)s)
   AND (%(since)s::timestamptz IS NULL OR r.rejected_at >= %(since)s)
   AND (%(reject_ids)s::bigint[] IS NULL OR r.reject_id = ANY (%(reject_ids)s::bigint[]))
 ORDER BY r.reject_id DESC
 LIMIT %(limit)s
