-- What no audit of stored rows can see: files that are not in the tables, or not wholly.
SELECT count(*) FILTER (WHERE status = 'registered') AS waiting_files,
       coalesce(sum(rows_expected - rows_read) FILTER (WHERE status = 'registered'), 0)::bigint AS waiting_rows,
       count(*) FILTER (WHERE status = 'rejected') AS refused_files,
       count(*) FILTER (WHERE status = 'changed') AS changed_files,
       coalesce(sum(rows_expected - rows_read) FILTER (WHERE status = 'changed'), 0)::bigint AS changed_rows
  FROM ingest_files
