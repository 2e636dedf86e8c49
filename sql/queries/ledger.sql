-- What the ledger says, each at a cost that does not grow with the history.

-- name: ledger.last_batch
SELECT batch_id, spark_batch_id, epoch, sink, files, started_at, committed_at,
       rows_read, rows_inserted, rows_duplicate, rows_rejected, rows_conflict,
       min_event_time, max_event_time, parse_seconds, merge_seconds,
       extract(epoch FROM committed_at - started_at)::double precision AS seconds
  FROM ingest_batches
 ORDER BY batch_id DESC
 LIMIT 1;

-- name: ledger.lifetime_counts
-- Exact totals at a cost that does not grow with the batches: the newest batch carries the running totals. Files
-- delivered again are in no batch; their rows come from the partial index on them.
SELECT coalesce(b.total_rows_read, 0) + d.rows AS rows_read,
       coalesce(b.total_rows_inserted, 0) AS rows_inserted,
       coalesce(b.total_rows_duplicate, 0) + d.rows AS rows_duplicate,
       coalesce(b.total_rows_rejected, 0) AS rows_rejected
  FROM (SELECT coalesce(sum(rows_duplicate), 0)::bigint AS rows
          FROM ingest_files
         WHERE status = 'duplicate') AS d
  LEFT JOIN (SELECT total_rows_read, total_rows_inserted, total_rows_duplicate, total_rows_rejected
               FROM ingest_batches
              ORDER BY batch_id DESC
              LIMIT 1) AS b ON true;

-- name: ledger.dropped_events
-- A row a month that retention dropped: few.
SELECT coalesce(sum(rows), 0)::bigint AS rows, count(*) AS partitions, max(to_time) AS events_from
  FROM dropped_partitions;

-- name: ledger.newest_event_time
SELECT max(max_event_time) AS newest_event_time FROM ingest_batches;

-- name: ledger.batches_since
-- The batches after %(batch_id)s. Batch ids have no gaps and are in the order of the commits, so none is missed.
SELECT count(*) AS batches,
       min(batch_id) AS first_batch_id,
       max(batch_id) AS last_batch_id,
       coalesce(sum(files), 0)::bigint AS files,
       coalesce(sum(rows_read), 0)::bigint AS rows_read,
       coalesce(sum(rows_inserted), 0)::bigint AS rows_inserted,
       coalesce(sum(rows_duplicate), 0)::bigint AS rows_duplicate,
       coalesce(sum(rows_rejected), 0)::bigint AS rows_rejected,
       coalesce(sum(rows_conflict), 0)::bigint AS rows_conflict,
       min(min_event_time) AS min_event_time,
       max(max_event_time) AS max_event_time,
       max(committed_at) AS last_committed_at,
       coalesce(sum(extract(epoch FROM committed_at - started_at)), 0)::double precision AS seconds
  FROM ingest_batches
 WHERE batch_id > %(batch_id)s;

-- name: ledger.files_since
-- The deliveries registered after file %(file_id)s. Ids are given under the lease, in the order of the commits.
SELECT count(*) AS files,
       max(file_id) AS last_file_id,
       coalesce(sum(size_bytes), 0)::bigint AS size_bytes,
       coalesce(sum(rows_expected), 0)::bigint AS rows_expected,
       count(*) FILTER (WHERE status = 'duplicate') AS duplicate_files,
       count(*) FILTER (WHERE status = 'rejected') AS rejected_files,
       max(landed_at) AS last_landed_at
  FROM ingest_files
 WHERE file_id > %(file_id)s;

-- name: ledger.window_counts
-- What was committed in the last %(window_seconds)s seconds: batches, and files delivered again.
SELECT b.batches, b.rows_read + d.rows AS rows_read, b.rows_inserted, b.rows_duplicate + d.rows AS rows_duplicate,
       b.rows_rejected, b.rows_conflict, d.files AS duplicate_files
  FROM (SELECT count(*) AS batches,
               coalesce(sum(rows_read), 0)::bigint AS rows_read,
               coalesce(sum(rows_inserted), 0)::bigint AS rows_inserted,
               coalesce(sum(rows_duplicate), 0)::bigint AS rows_duplicate,
               coalesce(sum(rows_rejected), 0)::bigint AS rows_rejected,
               coalesce(sum(rows_conflict), 0)::bigint AS rows_conflict
          FROM ingest_batches
         WHERE committed_at >= now() - make_interval(secs => %(window_seconds)s)) AS b,
       (SELECT count(*) AS files, coalesce(sum(rows_duplicate), 0)::bigint AS rows
          FROM ingest_files
         WHERE status = 'duplicate'
           AND registered_at >= now() - make_interval(secs => %(window_seconds)s)) AS d;

-- name: ledger.window_rejects
-- Rejected rows of the last %(window_seconds)s seconds by reason.
SELECT reason, count(*) AS rows
  FROM rejected_events
 WHERE rejected_at >= now() - make_interval(secs => %(window_seconds)s)
 GROUP BY reason
 ORDER BY rows DESC, reason;

-- name: ledger.window_latency
-- From the landing of a file (the rename) to its rows being visible, over the files of the last seconds. Not of those
-- that were held back until somebody released them.
-- With %(first_start_seconds)s, without those that landed before the first stream of all had run for so long.
SELECT count(*) AS files,
       percentile_cont(0.50) WITHIN GROUP (ORDER BY seconds) AS p50_seconds,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) AS p95_seconds,
       percentile_cont(0.99) WITHIN GROUP (ORDER BY seconds) AS p99_seconds,
       max(seconds) AS max_seconds
  FROM (SELECT extract(epoch FROM committed_at - landed_at)::double precision AS seconds
          FROM ingest_files
         WHERE status = 'committed'
           AND released_at IS NULL
           AND committed_at >= now() - make_interval(secs => %(window_seconds)s)
           AND NOT EXISTS (SELECT FROM stream_lease
                            WHERE epoch = 1
                              AND landed_at < started_at + make_interval(secs => %(first_start_seconds)s))) AS files;

-- name: ledger.conflicts_counted
-- Rows with the id and time of a stored event but other content, counted up to a limit.
SELECT count(*) AS rows FROM (SELECT FROM event_conflicts LIMIT %(limit)s) AS counted;

-- name: ledger.conflicts_newest
-- The newest of these, with the fields in which they differ from what is stored.
SELECT c.event_id::text, c.event_time, f.path, c.line_no,
       (SELECT string_agg(key, ', ' ORDER BY key)
          FROM jsonb_object_keys(c.content) AS key
         WHERE key NOT IN ('event_id', 'event_time')
           AND to_jsonb(e) ? key
           AND c.content -> key IS DISTINCT FROM to_jsonb(e) -> key) AS differs_in
  FROM event_conflicts AS c
  JOIN ingest_files AS f ON f.file_id = c.file_id
  LEFT JOIN events AS e ON e.event_id = c.event_id AND e.event_time = c.event_time
 ORDER BY c.batch_id DESC, c.file_id DESC, c.line_no DESC
 LIMIT %(examples)s;

-- name: ledger.place
-- Which table this is, and its last row.
SELECT (SELECT oid::bigint FROM pg_database WHERE datname = current_database()),
       'ingest_files'::regclass::oid::bigint,
       (SELECT coalesce(max(file_id), 0) FROM ingest_files);

-- name: ledger.files_of_paths
-- All rows of the given paths, the newest of each last. Sorting by path would take longer than finding them.
SELECT file_id, path, CASE WHEN status = 'held' AND released_at IS NOT NULL THEN 'released' ELSE status END AS status,
       inode, size_bytes, modified_ns, changed_ns,
       (extract(epoch FROM landed_at) * 1000000)::bigint AS landed_us
  FROM ingest_files
 WHERE path = ANY (%(paths)s::text[]) AND source = %(source)s
 ORDER BY file_id;

-- name: ledger.files_after
-- The rows after %(file_id)s. Ids are given under the lease, in the order of the commits, so none comes later.
SELECT file_id, path, CASE WHEN status = 'held' AND released_at IS NOT NULL THEN 'released' ELSE status END AS status,
       inode, size_bytes, modified_ns, changed_ns,
       (extract(epoch FROM landed_at) * 1000000)::bigint AS landed_us
  FROM ingest_files
 WHERE file_id > %(file_id)s AND source = %(source)s
 ORDER BY file_id;

-- name: ledger.files_of_ids
SELECT file_id, path, CASE WHEN status = 'held' AND released_at IS NOT NULL THEN 'released' ELSE status END AS status,
       inode, size_bytes, modified_ns, changed_ns,
       (extract(epoch FROM landed_at) * 1000000)::bigint AS landed_us
  FROM ingest_files
 WHERE file_id = ANY (%(file_ids)s::bigint[]);

-- name: ledger.set_aside
-- Of the given files those that could not be read, and that nobody waits for.
SELECT path FROM ingest_files
 WHERE file_id = ANY (%(file_ids)s::bigint[]) AND status = 'changed' AND reason = 'away'
 ORDER BY file_id;

-- name: ledger.open_ids
-- The files of a source that are registered and not committed, or held back and released, in one text: a million rows
-- take five times as long.
SELECT concat_ws(',',
    (SELECT string_agg(file_id::text, ',') FROM ingest_files WHERE status = 'registered' AND source = %(source)s),
    (SELECT string_agg(file_id::text, ',') FROM ingest_files
      WHERE status = 'held' AND released_at IS NOT NULL AND source = %(source)s));
