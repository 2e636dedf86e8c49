DELETE FROM ingest_chunks WHERE file_id = ANY (%(file_ids)s)
