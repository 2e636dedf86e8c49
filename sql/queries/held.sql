-- Files that the rules of their source hold back.

-- name: held.list
SELECT file_id, source, path, reason, detail, rows_expected AS rows, size_bytes, landed_at, registered_at, released_at
  FROM ingest_files
 WHERE status = 'held'
   AND (%(file_ids)s::bigint[] IS NULL OR file_id = ANY (%(file_ids)s))
   AND (%(source)s::text IS NULL OR source = %(source)s)
   AND (%(reason)s::text IS NULL OR reason = %(reason)s)
 ORDER BY file_id;

-- name: held.release
UPDATE ingest_files SET released_at = clock_timestamp()
 WHERE status = 'held' AND released_at IS NULL
   AND (%(file_ids)s::bigint[] IS NULL OR file_id = ANY (%(file_ids)s))
   AND (%(source)s::text IS NULL OR source = %(source)s)
   AND (%(reason)s::text IS NULL OR reason = %(reason)s)
RETURNING file_id, source, path, reason, detail, rows_expected AS rows, size_bytes, landed_at, registered_at, released_at;

-- name: held.drop
UPDATE ingest_files SET released_at = clock_timestamp(), status = 'dropped'
 WHERE status = 'held' AND released_at IS NULL
   AND (%(file_ids)s::bigint[] IS NULL OR file_id = ANY (%(file_ids)s))
   AND (%(source)s::text IS NULL OR source = %(source)s)
   AND (%(reason)s::text IS NULL OR reason = %(reason)s)
RETURNING file_id, source, path, reason, detail, rows_expected AS rows, size_bytes, landed_at, registered_at, released_at;
