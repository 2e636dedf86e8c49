-- The dead letters: looking at them, and replaying them.

-- name: rejects.by_reason
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
 ORDER BY rows DESC, r.reason;

-- name: rejects.newest
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
 LIMIT %(limit)s;

-- name: rejects.after
-- The next %(limit)s rejected rows after %(after_id)s, in the order of their ids, with the header and
-- the dialect of their file.
-- Filters that are null do not filter.
SELECT r.reject_id, r.file_id, f.path, r.line_no, r.byte_offset, r.byte_length, r.raw, r.reason, r.detail,
       r.rejected_at, r.replayed_at, l.layout_id, l.columns, l.delimiter, l.escape, l.format,
       m.mapping::text AS mapping, f.source
  FROM rejected_events AS r
  JOIN ingest_files AS f ON f.file_id = r.file_id
  JOIN ingest_layouts AS l ON l.layout_id = f.layout_id
  LEFT JOIN ingest_mappings AS m ON m.mapping_id = f.mapping_id
 WHERE r.reject_id > %(after_id)s
   AND (%(again)s OR r.replayed_at IS NULL)
   AND (%(reason)s::text IS NULL OR r.reason = %(reason)s)
   AND (%(file_id)s::bigint IS NULL OR r.file_id = %(file_id)s)
   AND (%(path)s::text IS NULL OR f.path = %(path)s)
   AND (%(since)s::timestamptz IS NULL OR r.rejected_at >= %(since)s)
   AND (%(reject_ids)s::bigint[] IS NULL OR r.reject_id = ANY (%(reject_ids)s::bigint[]))
 ORDER BY r.reject_id
 LIMIT %(limit)s;

-- name: rejects.at_lines
-- The rejected rows at the given lines (parallel arrays of file ids and line numbers), with the header and
-- the dialect of their file.
SELECT r.reject_id, r.file_id, f.path, r.line_no, r.byte_offset, r.byte_length, r.raw, r.reason, r.detail,
       r.rejected_at, r.replayed_at, l.layout_id, l.columns, l.delimiter, l.escape, l.format,
       m.mapping::text AS mapping, f.source
  FROM unnest(%(file_ids)s::bigint[], %(line_nos)s::bigint[]) AS line (file_id, line_no)
  JOIN rejected_events AS r ON r.file_id = line.file_id AND r.line_no = line.line_no
  JOIN ingest_files AS f ON f.file_id = r.file_id
  JOIN ingest_layouts AS l ON l.layout_id = f.layout_id
  LEFT JOIN ingest_mappings AS m ON m.mapping_id = f.mapping_id;

-- name: rejects.claim
-- Locks those of the given rejected rows that may still be replayed, until the end of the transaction.
SELECT reject_id
  FROM rejected_events
 WHERE reject_id = ANY (%(reject_ids)s)
   AND (%(again)s OR replayed_at IS NULL)
 ORDER BY reject_id
   FOR UPDATE;

-- name: rejects.mark_replayed
UPDATE rejected_events SET replayed_at = now() WHERE reject_id = ANY (%(reject_ids)s);
