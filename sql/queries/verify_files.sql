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
 ORDER BY file_id
