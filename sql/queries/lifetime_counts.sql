-- Exact totals at a cost that does not grow with the batches: the newest batch carries the running totals. Files
-- delivered again are in no batch; their rows come from the partial index on them.
SELECT coalesce(b.total_rows_read, 0) + d.rows AS rows_read,
       coalesce(b.total_rows_inserted, 0) AS rows_inserted,
       coalesce(b.total_rows_duplicate, 0) + d.rows AS rows_duplicate,
       coalesce(b.total_rows_rejected, 0) AS rows_rejected
  FROM (SELECT coalesce(sum(rows_duplicate), 0)::bigint AS rows
          FROM ingest_files
         WHERE status = 'duplicate') AS d
  LEFT JOIN (SELECT total_rows_read, total_rows_inserted, total_rows_duplicate, total_rows_rejected
               FROM ingest_batches
              ORDER BY batch_id DESC
              LIMIT 1) AS b ON true
