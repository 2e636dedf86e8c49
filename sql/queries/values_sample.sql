-- Committed files in a random order: the more rows one has, the sooner it is likely to come.
SELECT file_id
  FROM ingest_files
 WHERE status = 'committed' AND rows_read > 0
 ORDER BY -ln(1 - random()) / rows_read
 LIMIT %(files)s
