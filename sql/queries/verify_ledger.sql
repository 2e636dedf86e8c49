-- What the ledger's tables hold, beside what they were ever given, and how far its readers have come. `rows_given` is
-- null where nothing was counted yet: in a ledger of an older version, until a stream writes to it.
SELECT t.of_table, t.rows AS rows_given, t.ids AS ids_given, f.rows AS rows_stored, f.ids AS ids_stored,
       NULL::bigint AS last_id, NULL::bigint AS last_id_read
  FROM ledger_totals AS t,
       (SELECT count(*) AS rows, coalesce(sum(file_id), 0) AS ids FROM ingest_files) AS f
 WHERE t.of_table = 'ingest_files'
UNION ALL
SELECT t.of_table, t.rows, t.ids, b.rows, b.ids, b.last_id, r.last_id_read
  FROM ledger_totals AS t,
       (SELECT count(*) AS rows, coalesce(sum(batch_id), 0) AS ids, coalesce(max(batch_id), 0) AS last_id
          FROM ingest_batches) AS b,
       (SELECT greatest((SELECT max(through_batch_id) FROM summary_state),
                        (SELECT max(ids_through_batch_id) FROM maintenance_state)) AS last_id_read) AS r
 WHERE t.of_table = 'ingest_batches'
