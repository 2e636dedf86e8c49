-- Rejected rows by reason, the most frequent first. Filters that are null do not filter.
SELECT r.reason, count(*) AS rows, count(r.replayed_at) AS replayed, count(DISTINCT r.file_id) AS files,
       min(r.rejected_at) AS first_rejected_at, max(r.rejected_at) AS last_rejected_at
  FROM rejected_events AS r
  JOIN ingest_files AS f ON f.file_id = r.file_id
 WHERE (%(reason)s::text IS NULL OR r.reason = %(reason)s)
   AND (%(file_id)s::bigint IS NULL OR r.file_id = %(file_id)s)
   AND (%(path)s::text IS NULL OR f.path = %(path)s)
   AND (%(since)s::timestamptz IS NULL OR r.rejected_at >= %(since)s)
   AND (%(reject_ids)s::bigint[] IS NULL OR r.reject_id = ANY (%(reject_ids)s::bigint[]))
 GROUP BY r.reason
 ORDER BY rows DESC, r.reason
