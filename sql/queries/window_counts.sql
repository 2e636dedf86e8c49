-- What was committed in the last %(window_seconds)s seconds: batches, and files delivered again.
SELECT b.batches, b.rows_read + d.rows AS rows_read, b.rows_inserted, b.rows_duplicate + d.rows AS rows_duplicate,
       b.rows_rejected, b.rows_conflict, d.files AS duplicate_files
  FROM (SELECT count(*) AS batches,
               coalesce(sum(rows_read), 0)::bigint AS rows_read,
               coalesce(sum(rows_inserted), 0)::bigint AS rows_inserted,
               coalesce(sum(rows_duplicate), 0)::bigint AS rows_duplicate,
               coalesce(sum(rows_rejected), 0)::bigint AS rows_rejected,
               coalesce(sum(rows_conflict), 0)::bigint AS rows_conflict
          FROM ingest_batches
         WHERE committed_at >= now() - make_interval(secs => %(window_seconds)s)) AS b,
       (SELECT count(*) AS files, coalesce(sum(rows_duplicate), 0)::bigint AS rows
          FROM ingest_files
         WHERE status = 'duplicate'
           AND registered_at >= now() - make_interval(secs => %(window_seconds)s)) AS d
