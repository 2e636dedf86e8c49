SELECT query_id, spark_batch_id, committed_at FROM ingest_batches ORDER BY batch_id DESC LIMIT 2
