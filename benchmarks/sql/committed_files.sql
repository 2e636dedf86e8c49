SELECT count(*) FROM ingest_files WHERE status = 'committed'
