-- What the stream did with the rows, by the hour of the commit, over the last two days with commits. Files delivered
-- again are in no batch.
WITH span AS (
    SELECT max(committed_at) AS until FROM ingest_batches
), rows AS (
    SELECT date_trunc('hour', committed_at, 'UTC') AS hour, rows_inserted, rows_duplicate, rows_rejected
      FROM ingest_batches, span
     WHERE committed_at > span.until - interval '48 hours'
     UNION ALL
    SELECT date_trunc('hour', registered_at, 'UTC'), 0, rows_duplicate, 0
      FROM ingest_files, span
     WHERE status = 'duplicate' AND registered_at > span.until - interval '48 hours'
)
SELECT hour, sum(rows_inserted)::bigint AS inserted, sum(rows_duplicate)::bigint AS duplicate,
       sum(rows_rejected)::bigint AS rejected
  FROM rows
 GROUP BY hour
 ORDER BY hour
