-- Why rows were rejected, over the last two days with commits.
SELECT reason, count(*) AS rows, count(replayed_at) AS replayed
  FROM rejected_events
 WHERE rejected_at > (SELECT max(committed_at) FROM ingest_batches) - interval '48 hours'
 GROUP BY reason
 ORDER BY rows DESC, reason
