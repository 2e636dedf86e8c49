-- The last of the batches that come next: as many as stay under the limit of rows, but at least one.
SELECT coalesce(max(batch_id), %(through)s)
FROM (
    SELECT batch_id, sum(rows_inserted) OVER (ORDER BY batch_id) - rows_inserted AS rows_before
    FROM ingest_batches
    WHERE batch_id > %(through)s AND batch_id <= %(ceiling)s
) AS waiting
WHERE rows_before < %(row_limit)s
