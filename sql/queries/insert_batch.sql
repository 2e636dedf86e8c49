INSERT INTO ingest_batches (
    batch_id, query_id, spark_batch_id, epoch, sink, first_seq, last_seq, files, started_at, committed_at,
    rows_read, rows_inserted, rows_duplicate, rows_rejected, rows_conflict,
    total_rows_read, total_rows_inserted, total_rows_duplicate, total_rows_rejected,
    min_event_time, max_event_time, parse_seconds, merge_seconds
) VALUES (
    %(batch_id)s, %(query_id)s, %(spark_batch_id)s, %(epoch)s, %(sink)s, %(first_seq)s, %(last_seq)s, %(files)s,
    %(started_at)s, clock_timestamp(),
    %(rows_read)s, %(rows_inserted)s, %(rows_duplicate)s, %(rows_rejected)s, %(rows_conflict)s,
    %(total_rows_read)s, %(total_rows_inserted)s, %(total_rows_duplicate)s, %(total_rows_rejected)s,
    %(min_event_time)s, %(max_event_time)s, %(parse_seconds)s, %(merge_seconds)s
)
RETURNING committed_at
