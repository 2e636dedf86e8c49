-- The last of the batches that come next, as many as stay under the limit of rows but at least one, and how many
-- rows they inserted.
WITH so_far AS (
    SELECT coalesce((SELECT total_rows_inserted FROM ingest_batches WHERE batch_id = %(through)s), 0) AS rows_inserted
),
next_batches AS (
    SELECT batch_id, total_rows_inserted
    FROM ingest_batches
    WHERE batch_id > %(through)s AND batch_id <= %(ceiling)s
      AND total_rows_inserted - ingest_batches.rows_inserted < (SELECT rows_inserted FROM so_far) + %(row_limit)s
)
SELECT coalesce(max(batch_id), %(through)s),
       coalesce(max(total_rows_inserted) - (SELECT rows_inserted FROM so_far), 0)
FROM next_batches
