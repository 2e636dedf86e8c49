-- The transaction of a micro-batch, and its rows in the ledger.

-- name: commit.batch_committed
SELECT batch_id FROM ingest_batches WHERE query_id = %(query_id)s AND spark_batch_id = %(spark_batch_id)s;

-- name: commit.last_totals
SELECT batch_id, total_rows_read, total_rows_inserted, total_rows_duplicate, total_rows_rejected
FROM ingest_batches
ORDER BY batch_id DESC
LIMIT 1;

-- name: commit.constraints_immediate
SET CONSTRAINTS ALL IMMEDIATE;

-- name: commit.ensure_partitions
SELECT ensure_event_partitions(%(months)s::date[]);

-- name: commit.finish_files
-- What the batch did to each file. A file is committed with its last chunk.
UPDATE ingest_files AS f SET
    rows_read = f.rows_read + b.read,
    rows_inserted = f.rows_inserted + b.inserted,
    rows_duplicate = f.rows_duplicate + b.duplicate,
    rows_rejected = f.rows_rejected + b.rejected,
    chunks_open = f.chunks_open - b.chunks,
    status = CASE WHEN f.chunks_open = b.chunks THEN 'committed' ELSE f.status END,
    committed_at = CASE WHEN f.chunks_open = b.chunks THEN clock_timestamp() END
FROM unnest(
    %(file_ids)s::bigint[], %(read)s::bigint[], %(inserted)s::bigint[], %(duplicate)s::bigint[],
    %(rejected)s::bigint[], %(chunks)s::integer[]
) AS b (file_id, read, inserted, duplicate, rejected, chunks)
WHERE f.file_id = b.file_id;

-- name: commit.void_files
-- Files that were not what intake saw: nothing more of them is read. If still there they are registered anew.
UPDATE ingest_files AS f SET
    status = CASE v.reason WHEN 'chunk_unreadable' THEN 'rejected' ELSE 'changed' END,
    reason = CASE v.reason WHEN 'chunk_changed' THEN 'changed' WHEN 'chunk_away' THEN 'away' ELSE 'unreadable' END,
    detail = CASE v.reason
        WHEN 'chunk_changed' THEN 'It changed or vanished after it was registered and before it was read.'
        WHEN 'chunk_away' THEN 'The file system did not answer when it was to be read; it is registered anew once it does.'
        ELSE 'It could be read when it was registered, but not by the task that had to load it.' END,
    chunks_open = 0
FROM unnest(%(file_ids)s::bigint[], %(reasons)s::text[]) AS v (file_id, reason)
WHERE f.file_id = v.file_id;

-- name: commit.insert_batch
INSERT INTO ingest_batches (
    batch_id, query_id, spark_batch_id, epoch, sink, first_seq, last_seq, files, started_at, committed_at,
    rows_read, rows_inserted, rows_duplicate, rows_rejected, rows_conflict,
    total_rows_read, total_rows_inserted, total_rows_duplicate, total_rows_rejected,
    min_event_time, max_event_time, parse_seconds, merge_seconds
) VALUES (
    %(batch_id)s, %(query_id)s, %(spark_batch_id)s, %(epoch)s, %(sink)s, %(first_seq)s, %(last_seq)s, %(files)s,
    %(started_at)s, clock_timestamp(),
    %(rows_read)s, %(rows_inserted)s, %(rows_duplicate)s, %(rows_rejected)s, %(rows_conflict)s,
    %(total_rows_read)s, %(total_rows_inserted)s, %(total_rows_duplicate)s, %(total_rows_rejected)s,
    %(min_event_time)s, %(max_event_time)s, %(parse_seconds)s, %(merge_seconds)s
)
RETURNING committed_at;

-- name: commit.count_committed
-- After the row of a batch was inserted, in its transaction. The first time, all that are there are counted.
UPDATE ledger_totals SET
    rows = coalesce(rows + 1, (SELECT count(*) FROM ingest_batches)),
    ids = coalesce(ids + %(batch_id)s, (SELECT sum(batch_id) FROM ingest_batches))
WHERE of_table = 'ingest_batches';

-- name: commit.notify
SELECT pg_notify('clickstream_batches', %(batch_id)s::text);

-- name: commit.known_since
-- Whether a batch is the one of that name in this database; the times of the events since then; the newest time of all.
SELECT EXISTS (SELECT FROM ingest_batches WHERE batch_id = %(batch_id)s AND committed_at = %(committed_at)s),
       (SELECT min(min_event_time) FROM ingest_batches WHERE batch_id > %(batch_id)s),
       (SELECT max(max_event_time) FROM ingest_batches WHERE batch_id > %(batch_id)s),
       (SELECT max(max_event_time) FROM ingest_batches);
