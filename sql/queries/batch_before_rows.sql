-- The newest batch before the last %(rows)s rows read; 0 if there are no more than those. Walks back from the newest.
SELECT coalesce((SELECT batch_id
                   FROM (SELECT batch_id, sum(rows_read) OVER (ORDER BY batch_id DESC) AS rows
                           FROM ingest_batches) AS back
                  WHERE rows > %(rows)s
                  ORDER BY batch_id DESC
                  LIMIT 1), 0) AS batch_id
