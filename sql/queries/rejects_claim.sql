-- Locks those of the given rejected rows that may still be replayed, until the end of the transaction.
SELECT reject_id
  FROM rejected_events
 WHERE reject_id = ANY (%(reject_ids)s)
   AND (%(again)s OR replayed_at IS NULL)
 ORDER BY reject_id
   FOR UPDATE
