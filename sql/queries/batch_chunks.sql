SELECT c.seq, c.file_id, c.records, f.layout_id
FROM ingest_chunks AS c
JOIN ingest_files AS f USING (file_id)
WHERE c.seq > %(after)s AND c.seq <= %(upto)s
ORDER BY c.seq
