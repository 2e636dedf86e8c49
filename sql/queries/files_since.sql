-- The deliveries registered after file %(file_id)s. Ids are given under the lease, in the order of the commits.
SELECT count(*) AS files,
       max(file_id) AS last_file_id,
       coalesce(sum(size_bytes), 0)::bigint AS size_bytes,
       coalesce(sum(rows_expected), 0)::bigint AS rows_expected,
       count(*) FILTER (WHERE status = 'duplicate') AS duplicate_files,
       count(*) FILTER (WHERE status = 'rejected') AS rejected_files,
       max(landed_at) AS last_landed_at
  FROM ingest_files
 WHERE file_id > %(file_id)s
