DELETE FROM ingest_chunks WHERE seq > %(after)s AND seq <= %(upto)s
