-- The same rows counted by file and by batch; those dropped by retention by partition, too. Files delivered again
-- are in no batch.
SELECT f.files, f.duplicate_files, b.batches,
       f.rows_read AS files_read, b.rows_read AS batches_read,
       f.rows_inserted AS files_inserted, b.rows_inserted AS batches_inserted,
       f.rows_duplicate AS files_duplicate, b.rows_duplicate AS batches_duplicate,
       f.rows_rejected AS files_rejected, b.rows_rejected AS batches_rejected,
       f.rows_dropped AS files_dropped, b.rows_dropped AS batches_dropped,
       f.duplicate_file_rows, p.rows AS partitions_dropped, p.events_from
  FROM (SELECT count(*) AS files,
               count(*) FILTER (WHERE status = 'duplicate') AS duplicate_files,
               coalesce(sum(rows_read) FILTER (WHERE status <> 'duplicate'), 0)::bigint AS rows_read,
               coalesce(sum(rows_inserted) FILTER (WHERE status <> 'duplicate'), 0)::bigint AS rows_inserted,
               coalesce(sum(rows_duplicate) FILTER (WHERE status <> 'duplicate'), 0)::bigint AS rows_duplicate,
               coalesce(sum(rows_rejected) FILTER (WHERE status <> 'duplicate'), 0)::bigint AS rows_rejected,
               coalesce(sum(rows_dropped), 0)::bigint AS rows_dropped,
               coalesce(sum(rows_duplicate) FILTER (WHERE status = 'duplicate'), 0)::bigint AS duplicate_file_rows
          FROM ingest_files) AS f,
       (SELECT count(*) AS batches,
               coalesce(sum(rows_read), 0)::bigint AS rows_read,
               coalesce(sum(rows_inserted), 0)::bigint AS rows_inserted,
               coalesce(sum(rows_duplicate), 0)::bigint AS rows_duplicate,
               coalesce(sum(rows_rejected), 0)::bigint AS rows_rejected,
               coalesce(sum(rows_dropped), 0)::bigint AS rows_dropped
          FROM ingest_batches) AS b,
       (SELECT coalesce(sum(rows), 0)::bigint AS rows, max(to_time) AS events_from FROM dropped_partitions) AS p
