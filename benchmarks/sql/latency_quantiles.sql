-- What the product's own queries do not offer: only files after the warm-up, and so many of them.
SELECT count(*), sum(rows_read),
    percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (
        ORDER BY extract(epoch FROM committed_at - landed_at) * 1000)
FROM (SELECT * FROM ingest_files WHERE status = 'committed' ORDER BY file_id
      LIMIT %(files)s OFFSET %(skip)s) AS measured
