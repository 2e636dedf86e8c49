-- Rows of the batches after %(after)s with the id and time of a stored event but other content.
SELECT coalesce(sum(rows_conflict), 0)::bigint AS rows, coalesce(max(batch_id), %(after)s) AS last_batch_id
  FROM ingest_batches
 WHERE batch_id > %(after)s
