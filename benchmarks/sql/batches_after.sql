SELECT coalesce(sum(rows_inserted), 0)::bigint, count(*),
    coalesce(sum(extract(epoch FROM committed_at - started_at)), 0)::double precision
FROM ingest_batches WHERE batch_id > %(batch_id)s
