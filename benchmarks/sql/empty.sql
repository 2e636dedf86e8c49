TRUNCATE events, rejected_events, event_conflicts, ingest_batches, ingest_chunks, ingest_files CASCADE
