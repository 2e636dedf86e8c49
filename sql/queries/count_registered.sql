-- After the files of one transaction were inserted, once in it. The first time, all that are there are counted.
UPDATE ledger_totals SET
    rows = coalesce(rows + cardinality(%(file_ids)s::bigint[]), (SELECT count(*) FROM ingest_files)),
    ids = coalesce(ids + (SELECT coalesce(sum(file_id), 0) FROM unnest(%(file_ids)s::bigint[]) AS file_id),
                   (SELECT coalesce(sum(file_id), 0) FROM ingest_files))
WHERE of_table = 'ingest_files'
