UPDATE ingest_files SET archived_at = NULL WHERE file_id = ANY (%(file_ids)s)
