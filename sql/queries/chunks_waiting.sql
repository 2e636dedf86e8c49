SELECT c.seq, c.records, c.byte_length
FROM ingest_chunks AS c
WHERE c.seq > %(after)s AND (%(upto)s::bigint IS NULL OR c.seq <= %(upto)s)
ORDER BY c.seq
LIMIT %(limit)s
