-- Rows rejected after %(after)s, by reason. Ids are given under the lease, in the order of the commits.
SELECT reason, count(*) AS rows, max(reject_id) AS last_reject_id
  FROM rejected_events
 WHERE reject_id > %(after)s
 GROUP BY reason
