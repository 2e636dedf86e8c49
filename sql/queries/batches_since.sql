-- The batches after %(batch_id)s. Batch ids have no gaps and are in the order of the commits, so none is missed.
SELECT count(*) AS batches,
       min(batch_id) AS first_batch_id,
       max(batch_id) AS last_batch_id,
       coalesce(sum(files), 0)::bigint AS files,
       coalesce(sum(rows_read), 0)::bigint AS rows_read,
       coalesce(sum(rows_inserted), 0)::bigint AS rows_inserted,
       coalesce(sum(rows_duplicate), 0)::bigint AS rows_duplicate,
       coalesce(sum(rows_rejected), 0)::bigint AS rows_rejected,
       coalesce(sum(rows_conflict), 0)::bigint AS rows_conflict,
       min(min_event_time) AS min_event_time,
       max(max_event_time) AS max_event_time,
       max(committed_at) AS last_committed_at,
       coalesce(sum(extract(epoch FROM committed_at - started_at)), 0)::double precision AS seconds
  FROM ingest_batches
 WHERE batch_id > %(batch_id)s
