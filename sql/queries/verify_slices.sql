-- Upper file ids that cut the history into runs of about %(slice_rows)s stored rows.
SELECT max(file_id) AS last_file_id
  FROM (SELECT file_id, sum(rows_inserted + rows_rejected) OVER (ORDER BY file_id) / %(slice_rows)s::bigint AS slice
          FROM ingest_files) AS files
 GROUP BY trunc(slice)
 ORDER BY last_file_id
