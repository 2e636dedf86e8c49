-- What the checks measure and nobody else.

-- name: checks.batch_before_rows
-- The newest batch before the last %(rows)s rows read; 0 if there are no more than those. Walks back from the newest.
SELECT coalesce((SELECT batch_id
                   FROM (SELECT batch_id, sum(rows_read) OVER (ORDER BY batch_id DESC) AS rows
                           FROM ingest_batches) AS back
                  WHERE rows > %(rows)s
                  ORDER BY batch_id DESC
                  LIMIT 1), 0) AS batch_id;

-- name: checks.headers
-- The headers that files came with: those first seen in the last %(window_seconds)s seconds (unless it is the first
-- ever), each with its first file, then the latest of the known ones to compare with. Files that `clickstream rejects
-- replay` wrote have a column of their own and are no producer's. A header whose files escape quotes in another way is
-- the same header.
WITH distinct_headers AS (
    SELECT DISTINCT ON (columns, delimiter) layout_id, columns, delimiter, first_seen_at
      FROM ingest_layouts
     WHERE NOT 'replay_of' = ANY (columns)
     ORDER BY columns, delimiter, layout_id
), layouts AS (
    SELECT layout_id, columns, delimiter, first_seen_at,
           first_seen_at >= now() - make_interval(secs => %(window_seconds)s)
               AND layout_id <> (SELECT min(layout_id) FROM ingest_layouts) AS is_new
      FROM distinct_headers
     ORDER BY layout_id DESC
     LIMIT 200
)
SELECT layouts.columns, layouts.delimiter, layouts.first_seen_at, layouts.is_new, first_file.path
  FROM layouts
  LEFT JOIN LATERAL (
       SELECT path
         FROM ingest_files
        WHERE layouts.is_new
          AND registered_at >= layouts.first_seen_at
          AND registered_at < layouts.first_seen_at + interval '1 minute'
          AND ingest_files.layout_id = layouts.layout_id
        ORDER BY registered_at
        LIMIT 1) AS first_file ON true
 ORDER BY layouts.layout_id;

-- name: checks.rejected_files
-- Files registered in the last %(window_seconds)s seconds of which nothing could be read, by reason, with the newest
-- of each. Empty ones lose nothing; one that was delivered again under its name, and then read, is no worry any more.
SELECT f.reason, count(*) AS files, (array_agg(f.path ORDER BY f.file_id DESC))[:%(examples)s] AS paths
  FROM ingest_files AS f
 WHERE f.status = 'rejected'
   AND f.reason <> 'empty_file'
   AND f.registered_at >= now() - make_interval(secs => %(window_seconds)s)
   AND NOT EXISTS (SELECT FROM ingest_files AS later
                    WHERE later.path = f.path AND later.file_id > f.file_id AND later.status <> 'changed')
 GROUP BY f.reason
 ORDER BY files DESC, f.reason;

-- name: checks.worst_files
-- The files with the most rows of one kind (%(kind)s: rejected or duplicate) among those of the last
-- %(window_seconds)s seconds: committed ones, and such as were delivered again as a whole.
SELECT path, rows, rows_read, finished_at
  FROM (SELECT path, CASE %(kind)s WHEN 'rejected' THEN rows_rejected ELSE rows_duplicate END AS rows, rows_read,
               committed_at AS finished_at, file_id
          FROM ingest_files
         WHERE status = 'committed'
           AND committed_at >= now() - make_interval(secs => %(window_seconds)s)
        UNION ALL
        SELECT path, CASE %(kind)s WHEN 'rejected' THEN 0 ELSE rows_duplicate END, rows_read, registered_at, file_id
          FROM ingest_files
         WHERE status = 'duplicate'
           AND registered_at >= now() - make_interval(secs => %(window_seconds)s)) AS files
 WHERE rows > 0
 ORDER BY rows DESC, file_id DESC
 LIMIT %(files)s;
