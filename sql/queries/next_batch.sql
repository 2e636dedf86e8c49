-- For the micro-batch of the chunks behind %(after)s: from when on events are taken in (what retention dropped does not come
-- back; null: nothing was dropped), and the id that it will get. Chunks before it are still there while the micro-batch
-- before it is being stored.
SELECT (SELECT max(to_time) FROM dropped_partitions),
       (SELECT coalesce(max(batch_id), 0) + 1 FROM ingest_batches)
           + (EXISTS (SELECT FROM ingest_chunks WHERE seq <= %(after)s))::int
