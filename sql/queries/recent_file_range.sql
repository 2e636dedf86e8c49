-- The ids of the files that the batches after %(after_batch_id)s completed.
SELECT min(file_id) AS first_file_id, max(file_id) AS last_file_id
  FROM ingest_files
 WHERE committed_at >= (SELECT min(committed_at) FROM ingest_batches WHERE batch_id > %(after_batch_id)s)
   AND status = 'committed'
