UPDATE ingest_files SET archived_at = now() WHERE file_id = ANY (%(file_ids)s)
