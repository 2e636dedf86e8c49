SELECT batch_id, spark_batch_id, epoch, sink, files, started_at, committed_at,
       rows_read, rows_inserted, rows_duplicate, rows_rejected, rows_conflict,
       min_event_time, max_event_time, parse_seconds, merge_seconds,
       extract(epoch FROM committed_at - started_at)::double precision AS seconds
  FROM ingest_batches
 ORDER BY batch_id DESC
 LIMIT 1
