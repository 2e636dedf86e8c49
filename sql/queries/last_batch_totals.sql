SELECT batch_id, total_rows_read, total_rows_inserted, total_rows_duplicate, total_rows_rejected
FROM ingest_batches
ORDER BY batch_id DESC
LIMIT 1
