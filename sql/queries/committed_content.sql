-- Files whose content is committed already, by hash.
SELECT DISTINCT ON (content_hash) content_hash, file_id, rows_read
FROM ingest_files
WHERE status = 'committed' AND content_hash = ANY (%(hashes)s)
ORDER BY content_hash, file_id
