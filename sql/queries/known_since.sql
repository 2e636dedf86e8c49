-- Whether a batch is the one of that name in this database; the times of the events since then; the newest time of all.
SELECT EXISTS (SELECT FROM ingest_batches WHERE batch_id = %(batch_id)s AND committed_at = %(committed_at)s),
       (SELECT min(min_event_time) FROM ingest_batches WHERE batch_id > %(batch_id)s),
       (SELECT max(max_event_time) FROM ingest_batches WHERE batch_id > %(batch_id)s),
       (SELECT max(max_event_time) FROM ingest_batches)
