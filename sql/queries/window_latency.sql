-- From the landing of a file (the rename) to its rows being visible, over the files of the last seconds.
-- With %(first_start_seconds)s, without those that landed before the first stream of all had run for so long.
SELECT count(*) AS files,
       percentile_cont(0.50) WITHIN GROUP (ORDER BY seconds) AS p50_seconds,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) AS p95_seconds,
       percentile_cont(0.99) WITHIN GROUP (ORDER BY seconds) AS p99_seconds,
       max(seconds) AS max_seconds
  FROM (SELECT extract(epoch FROM committed_at - landed_at)::double precision AS seconds
          FROM ingest_files
         WHERE status = 'committed'
           AND committed_at >= now() - make_interval(secs => %(window_seconds)s)
           AND NOT EXISTS (SELECT FROM stream_lease
                            WHERE epoch = 1
                              AND landed_at < started_at + make_interval(secs => %(first_start_seconds)s))) AS files
