-- How many rows there are to compare.
SELECT coalesce(sum(rows_read), 0)::bigint AS rows FROM ingest_files WHERE status = 'committed'
