SELECT c.seq, c.records, c.byte_length, f.layout_id
FROM ingest_chunks AS c
JOIN ingest_files AS f USING (file_id)
WHERE c.seq > %(after)s AND (%(upto)s::bigint IS NULL OR c.seq <= %(upto)s)
ORDER BY c.seq
LIMIT %(limit)s
