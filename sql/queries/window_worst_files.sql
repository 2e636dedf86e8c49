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
 LIMIT %(files)s
