-- Milliseconds of the micro-batches and of their merges, and from rename to visible, over the newest files.
SELECT (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM committed_at - started_at) * 1000)
          FROM (SELECT * FROM ingest_batches ORDER BY batch_id DESC LIMIT %(files)s) AS b),
       (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY merge_seconds * 1000)
          FROM (SELECT * FROM ingest_batches ORDER BY batch_id DESC LIMIT %(files)s) AS b),
       (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM committed_at - landed_at) * 1000)
          FROM (SELECT * FROM ingest_files WHERE status = 'committed' ORDER BY file_id DESC LIMIT %(files)s) AS f)
