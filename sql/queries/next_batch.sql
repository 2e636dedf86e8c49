-- For the next micro-batch: from when on events are taken in (what retention dropped does not come back; null: nothing was
-- dropped), and its id.
SELECT (SELECT max(to_time) FROM dropped_partitions),
       (SELECT coalesce(max(batch_id), 0) + 1 FROM ingest_batches)
