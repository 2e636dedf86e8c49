-- The newest batch that was committed before the last %(window_seconds)s seconds; 0 if there is none.
SELECT coalesce(max(batch_id), 0) AS batch_id
  FROM (SELECT batch_id
          FROM ingest_batches
         WHERE committed_at < now() - make_interval(secs => %(window_seconds)s)
         ORDER BY committed_at DESC, batch_id DESC
         LIMIT 1) AS before
