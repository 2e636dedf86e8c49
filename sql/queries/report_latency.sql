-- From a file's rename to its rows being visible, by the hour of the commit, over the last two days with commits.
SELECT date_trunc('hour', committed_at, 'UTC') AS hour,
       count(*) AS files,
       percentile_cont(0.50) WITHIN GROUP (ORDER BY seconds) AS p50,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) AS p95,
       percentile_cont(0.99) WITHIN GROUP (ORDER BY seconds) AS p99
  FROM (SELECT committed_at, extract(epoch FROM committed_at - landed_at)::double precision AS seconds
          FROM ingest_files
         WHERE status = 'committed'
           AND committed_at > (SELECT max(committed_at) FROM ingest_batches) - interval '48 hours') AS files
 GROUP BY 1
 ORDER BY 1
