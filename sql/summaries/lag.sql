SELECT summary, (SELECT coalesce(max(batch_id), 0) FROM ingest_batches) - through_batch_id FROM summary_state
