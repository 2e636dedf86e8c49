-- The audit of the books: the ledger against what the tables hold.

-- name: verify.keep_partitions
LOCK TABLE events IN ACCESS SHARE MODE;

-- name: verify.recent_files
-- The ids of the files that the batches after %(after_batch_id)s completed.
SELECT min(file_id) AS first_file_id, max(file_id) AS last_file_id
  FROM ingest_files
 WHERE committed_at >= (SELECT min(committed_at) FROM ingest_batches WHERE batch_id > %(after_batch_id)s)
   AND status = 'committed';

-- name: verify.slices
-- Upper file ids that cut the history into runs of about %(slice_rows)s stored rows.
SELECT max(file_id) AS last_file_id
  FROM (SELECT file_id, sum(rows_inserted + rows_rejected) OVER (ORDER BY file_id) / %(slice_rows)s::bigint AS slice
          FROM ingest_files) AS files
 GROUP BY trunc(slice)
 ORDER BY last_file_id;

-- name: verify.files
-- The books of each file with an id from %(first_file_id)s to %(last_file_id)s, beside what the tables really hold.
-- Ids that only the tables know come out with status null.
WITH stored AS (
    SELECT file_id, count(*) AS events
      FROM events
     WHERE file_id BETWEEN %(first_file_id)s AND %(last_file_id)s
     GROUP BY file_id
), rejected AS (
    SELECT file_id, count(*) AS rejects
      FROM rejected_events
     WHERE file_id BETWEEN %(first_file_id)s AND %(last_file_id)s
     GROUP BY file_id
), open AS (
    SELECT file_id, count(*) AS chunks, sum(records)::bigint AS records
      FROM ingest_chunks
     WHERE file_id BETWEEN %(first_file_id)s AND %(last_file_id)s
     GROUP BY file_id
), books AS (
    SELECT f.*, original.status AS original_status, original.rows_read AS original_rows_read
      FROM ingest_files AS f
      LEFT JOIN ingest_files AS original ON original.file_id = f.duplicate_of
     WHERE f.file_id BETWEEN %(first_file_id)s AND %(last_file_id)s
)
SELECT file_id, books.path, books.status, books.reason, books.committed_at IS NOT NULL AS has_commit_time,
       coalesce(books.rows_expected, 0) AS rows_expected,
       coalesce(books.rows_read, 0) AS rows_read,
       coalesce(books.rows_inserted, 0) AS rows_inserted,
       coalesce(books.rows_duplicate, 0) AS rows_duplicate,
       coalesce(books.rows_rejected, 0) AS rows_rejected,
       coalesce(books.rows_dropped, 0) AS rows_dropped,
       coalesce(books.chunks_open, 0) AS chunks_open,
       books.duplicate_of, books.original_status, books.original_rows_read,
       coalesce(stored.events, 0) AS events_stored,
       coalesce(rejected.rejects, 0) AS rejects_stored,
       coalesce(open.chunks, 0) AS chunks_stored,
       coalesce(open.records, 0) AS records_open
  FROM books
  FULL JOIN stored USING (file_id)
  FULL JOIN rejected USING (file_id)
  FULL JOIN open USING (file_id)
 ORDER BY file_id;

-- name: verify.lines
-- Lines of files that are stored more than once, as events, as rejects or as both.
SELECT file_id, line_no, count(*) FILTER (WHERE NOT is_reject) AS events, count(*) FILTER (WHERE is_reject) AS rejects
  FROM (SELECT file_id, line_no, false AS is_reject
          FROM events
         WHERE file_id BETWEEN %(first_file_id)s AND %(last_file_id)s
        UNION ALL
        SELECT file_id, line_no, true
          FROM rejected_events
         WHERE file_id BETWEEN %(first_file_id)s AND %(last_file_id)s) AS lines
 GROUP BY file_id, line_no
HAVING count(*) > 1
 ORDER BY file_id, line_no
 LIMIT %(limit)s;

-- name: verify.event_key
-- Whether the unique key of events over exactly (event_id, event_time) is there and valid, on every partition.
SELECT EXISTS (
    SELECT FROM pg_index AS i
     WHERE i.indrelid = 'events'::regclass
       AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
       AND ARRAY(SELECT a.attname::text
                   FROM unnest(i.indkey::smallint[]) AS key (attnum)
                   JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = key.attnum
                  ORDER BY 1) = ARRAY['event_id', 'event_time']
) AS is_valid,
       now() AS taken_at;

-- name: verify.batches
-- The books of each batch after %(after_batch_id)s, beside what the tables really hold and the batch before it.
-- Ids that only the tables know come out with is_known false.
WITH stored AS (
    SELECT batch_id, count(*) AS events FROM events WHERE batch_id > %(after_batch_id)s GROUP BY batch_id
), rejected AS (
    SELECT batch_id, count(*) AS rejects
      FROM rejected_events
     WHERE batch_id > %(after_batch_id)s
     GROUP BY batch_id
), conflicting AS (
    SELECT batch_id, count(*) AS conflicts
      FROM event_conflicts
     WHERE batch_id > %(after_batch_id)s
     GROUP BY batch_id
), chained AS (
    SELECT *,
           lag(batch_id) OVER in_order AS previous_batch_id,
           lag(total_rows_read) OVER in_order AS previous_total_read,
           lag(total_rows_inserted) OVER in_order AS previous_total_inserted,
           lag(total_rows_duplicate) OVER in_order AS previous_total_duplicate,
           lag(total_rows_rejected) OVER in_order AS previous_total_rejected
      FROM ingest_batches
     WHERE batch_id >= %(after_batch_id)s
    WINDOW in_order AS (ORDER BY batch_id)
), books AS (
    SELECT * FROM chained WHERE batch_id > %(after_batch_id)s
)
SELECT batch_id, books.query_id IS NOT NULL AS is_known,
       coalesce(books.rows_read, 0) AS rows_read,
       coalesce(books.rows_inserted, 0) AS rows_inserted,
       coalesce(books.rows_duplicate, 0) AS rows_duplicate,
       coalesce(books.rows_rejected, 0) AS rows_rejected,
       coalesce(books.rows_conflict, 0) AS rows_conflict,
       coalesce(books.rows_dropped, 0) AS rows_dropped,
       coalesce(books.total_rows_read, 0) AS total_read,
       coalesce(books.total_rows_inserted, 0) AS total_inserted,
       coalesce(books.total_rows_duplicate, 0) AS total_duplicate,
       coalesce(books.total_rows_rejected, 0) AS total_rejected,
       books.previous_batch_id,
       coalesce(books.previous_total_read, 0) AS previous_total_read,
       coalesce(books.previous_total_inserted, 0) AS previous_total_inserted,
       coalesce(books.previous_total_duplicate, 0) AS previous_total_duplicate,
       coalesce(books.previous_total_rejected, 0) AS previous_total_rejected,
       coalesce(stored.events, 0) AS events_stored,
       coalesce(rejected.rejects, 0) AS rejects_stored,
       coalesce(conflicting.conflicts, 0) AS conflicts_stored
  FROM books
  FULL JOIN stored USING (batch_id)
  FULL JOIN rejected USING (batch_id)
  FULL JOIN conflicting USING (batch_id)
 ORDER BY batch_id;

-- name: verify.totals
-- The same rows counted by file and by batch; those dropped by retention by partition, too. Files delivered again
-- are in no batch.
SELECT f.files, f.duplicate_files, b.batches,
       f.rows_read AS files_read, b.rows_read AS batches_read,
       f.rows_inserted AS files_inserted, b.rows_inserted AS batches_inserted,
       f.rows_duplicate AS files_duplicate, b.rows_duplicate AS batches_duplicate,
       f.rows_rejected AS files_rejected, b.rows_rejected AS batches_rejected,
       f.rows_dropped AS files_dropped, b.rows_dropped AS batches_dropped,
       f.duplicate_file_rows, p.rows AS partitions_dropped, p.events_from
  FROM (SELECT count(*) AS files,
               count(*) FILTER (WHERE status = 'duplicate') AS duplicate_files,
               coalesce(sum(rows_read) FILTER (WHERE status <> 'duplicate'), 0)::bigint AS rows_read,
               coalesce(sum(rows_inserted) FILTER (WHERE status <> 'duplicate'), 0)::bigint AS rows_inserted,
               coalesce(sum(rows_duplicate) FILTER (WHERE status <> 'duplicate'), 0)::bigint AS rows_duplicate,
               coalesce(sum(rows_rejected) FILTER (WHERE status <> 'duplicate'), 0)::bigint AS rows_rejected,
               coalesce(sum(rows_dropped), 0)::bigint AS rows_dropped,
               coalesce(sum(rows_duplicate) FILTER (WHERE status = 'duplicate'), 0)::bigint AS duplicate_file_rows
          FROM ingest_files) AS f,
       (SELECT count(*) AS batches,
               coalesce(sum(rows_read), 0)::bigint AS rows_read,
               coalesce(sum(rows_inserted), 0)::bigint AS rows_inserted,
               coalesce(sum(rows_duplicate), 0)::bigint AS rows_duplicate,
               coalesce(sum(rows_rejected), 0)::bigint AS rows_rejected,
               coalesce(sum(rows_dropped), 0)::bigint AS rows_dropped
          FROM ingest_batches) AS b,
       (SELECT coalesce(sum(rows), 0)::bigint AS rows, max(to_time) AS events_from FROM dropped_partitions) AS p;

-- name: verify.ledger_counted
-- Whether this database keeps count: one that was set up by an older version does not.
SELECT to_regclass('ledger_totals') IS NOT NULL AS is_counted;

-- name: verify.ledger
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
 WHERE t.of_table = 'ingest_batches';

-- name: verify.unseen
-- What no audit of stored rows can see: files that are not in the tables, or not wholly.
SELECT count(*) FILTER (WHERE status = 'registered') AS waiting_files,
       coalesce(sum(rows_expected - rows_read) FILTER (WHERE status = 'registered'), 0)::bigint AS waiting_rows,
       count(*) FILTER (WHERE status = 'rejected') AS refused_files,
       count(*) FILTER (WHERE status IN ('held', 'dropped')) AS held_files,
       coalesce(sum(rows_expected) FILTER (WHERE status IN ('held', 'dropped')), 0)::bigint AS held_rows,
       count(*) FILTER (WHERE status = 'changed') AS changed_files,
       coalesce(sum(rows_expected - rows_read) FILTER (WHERE status = 'changed'), 0)::bigint AS changed_rows
  FROM ingest_files;
