SELECT c.seq, c.file_id, c.records
FROM ingest_chunks AS c
WHERE c.seq > %(after)s AND c.seq <= %(upto)s
ORDER BY c.seq
