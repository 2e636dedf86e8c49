SELECT coalesce(sum(rows_inserted), 0)::bigint FROM ingest_batches
