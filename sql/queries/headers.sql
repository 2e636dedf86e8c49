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
 ORDER BY layouts.layout_id
