-- From the landing of a file (the rename) to its rows being visible, over the files of the last seconds.
SELECT count(*) AS files,
       percentile_cont(0.50) WITHIN GROUP (ORDER BY seconds) AS p50_seconds,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) AS p95_seconds,
       percentile_cont(0.99) WITHIN GROUP (ORDER BY seconds) AS p99_seconds,
       max(seconds) AS max_seconds
  FROM (SELECT extract(epoch FROM committed_at - landed_at)::double precision AS seconds
          FROM ingest_files
         WHERE status = 'committed'
           AND committed_at >= now() - make_interval(secs => %(window_seconds)s)) AS files
