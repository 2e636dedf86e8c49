SELECT coalesce(max(batch_id), 0) FROM ingest_batches
