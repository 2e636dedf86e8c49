-- After the row of a batch was inserted, in its transaction. The first time, all that are there are counted.
UPDATE ledger_totals SET
    rows = coalesce(rows + 1, (SELECT count(*) FROM ingest_batches)),
    ids = coalesce(ids + %(batch_id)s, (SELECT sum(batch_id) FROM ingest_batches))
WHERE of_table = 'ingest_batches'
