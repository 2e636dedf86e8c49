-- The ledger's latest row of each of the given paths.
SELECT DISTINCT ON (path) path, inode, size_bytes, modified_ns, changed_ns, status, content_hash, file_id
FROM ingest_files
WHERE path = ANY (%(paths)s)
ORDER BY path, file_id DESC
