-- What the ledger says by source, each at a cost that does not grow with the history.

-- name: by_source.in_force
SELECT source, directory, owner, settings FROM ingest_sources WHERE removed_at IS NULL ORDER BY source;

-- name: by_source.recorded
-- Who is in trouble.
SELECT source, in_force_since, problem, problem_since FROM ingest_sources WHERE removed_at IS NULL;

-- name: by_source.window
-- The files that were finished in the last %(window_seconds)s seconds, those that were delivered again among them. How
-- long files took that were held back until somebody released them says nothing about the stream.
SELECT source,
       count(*) FILTER (WHERE status = 'committed') AS files,
       count(*) FILTER (WHERE status = 'duplicate') AS duplicate_files,
       sum(rows_read)::bigint AS rows_read,
       sum(rows_inserted)::bigint AS rows_inserted,
       sum(rows_duplicate)::bigint AS rows_duplicate,
       sum(rows_rejected)::bigint AS rows_rejected,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM committed_at - landed_at)::double precision)
           FILTER (WHERE status = 'committed' AND released_at IS NULL) AS p50_seconds,
       percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM committed_at - landed_at)::double precision)
           FILTER (WHERE status = 'committed' AND released_at IS NULL) AS p99_seconds,
       max(committed_at) AS last_committed_at
  FROM ingest_files
 WHERE status IN ('committed', 'duplicate')
   AND committed_at >= now() - make_interval(secs => %(window_seconds)s)
 GROUP BY source;

-- name: by_source.rejects
SELECT f.source, r.reason, count(*) AS rows
  FROM rejected_events AS r
  JOIN ingest_files AS f USING (file_id)
 WHERE r.rejected_at >= now() - make_interval(secs => %(window_seconds)s)
 GROUP BY f.source, r.reason
 ORDER BY rows DESC, r.reason;

-- name: by_source.held
-- Files that are held back, and of which nobody has decided yet.
SELECT source, count(*) AS held_files, sum(rows_expected)::bigint AS held_rows, min(registered_at) AS held_since,
       array_agg(DISTINCT reason) AS held_reasons
  FROM ingest_files
 WHERE status = 'held' AND released_at IS NULL
 GROUP BY source;

-- name: by_source.refused
-- Files of the last %(window_seconds)s seconds of which nothing could be read. Empty ones lose nothing.
SELECT source, count(*) AS refused_files, array_agg(DISTINCT reason) AS refused_reasons
  FROM ingest_files
 WHERE status = 'rejected' AND reason <> 'empty_file'
   AND registered_at >= now() - make_interval(secs => %(window_seconds)s)
 GROUP BY source;

-- name: by_source.new_headers
-- Headers that a source first came with in the last %(window_seconds)s seconds, but for its very first.
SELECT s.source, count(*) AS new_headers
  FROM ingest_source_layouts AS s
 WHERE s.first_seen_at >= now() - make_interval(secs => %(window_seconds)s)
   AND EXISTS (SELECT FROM ingest_source_layouts AS before
                WHERE before.source = s.source AND before.first_seen_at < s.first_seen_at)
 GROUP BY s.source;

-- name: by_source.files_since
-- The deliveries registered after file %(file_id)s, by source.
SELECT source,
       count(*) AS files,
       max(file_id) AS last_file_id,
       coalesce(sum(size_bytes), 0)::bigint AS size_bytes,
       coalesce(sum(rows_expected), 0)::bigint AS rows_expected,
       count(*) FILTER (WHERE status = 'duplicate') AS duplicate_files,
       count(*) FILTER (WHERE status = 'rejected') AS rejected_files,
       max(landed_at) AS last_landed_at
  FROM ingest_files
 WHERE file_id > %(file_id)s
 GROUP BY source;
