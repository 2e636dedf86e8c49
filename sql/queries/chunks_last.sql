SELECT coalesce(max(seq), 0) FROM ingest_chunks
