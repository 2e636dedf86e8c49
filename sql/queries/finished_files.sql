-- Files that are in the database for good, and may leave the events directory.

-- name: finished_files.last_two_batches
SELECT query_id, spark_batch_id, committed_at FROM ingest_batches ORDER BY batch_id DESC LIMIT 2;

-- name: finished_files.find
-- The files of a part of a listing (parallel arrays) that are in the database for good: the newest row of the path is
-- about exactly this state, it is loaded (or somebody decided against it), so long ago, and its last batch is one that Spark has committed too.
WITH disk AS (
    SELECT *
      FROM unnest(%(paths)s::text[], %(inodes)s::bigint[], %(sizes)s::bigint[], %(modified)s::bigint[],
                  %(changed)s::bigint[]) AS d (path, inode, size_bytes, modified_ns, changed_ns)
), newest AS (
    SELECT DISTINCT ON (disk.path)
           f.*, (f.inode, f.size_bytes, f.modified_ns, f.changed_ns)
              = (disk.inode, disk.size_bytes, disk.modified_ns, disk.changed_ns) AS is_same
      FROM disk
      JOIN ingest_files AS f ON f.path = disk.path AND f.source = %(source)s
     ORDER BY disk.path, f.file_id DESC
)
SELECT file_id, path, raw_path, inode, size_bytes, modified_ns, changed_ns, content_hash,
       coalesce(committed_at, released_at) AS committed_at
  FROM newest
 WHERE is_same AND status IN ('committed', 'duplicate', 'dropped') AND chunks_open = 0
   AND coalesce(committed_at, released_at) < now() - make_interval(secs => %(seconds)s)
   AND (status IN ('duplicate', 'dropped') OR rows_expected = 0 OR committed_at <= %(spark_committed)s)
 ORDER BY file_id;

-- name: finished_files.by_id
SELECT file_id, path, raw_path, inode, size_bytes, modified_ns, changed_ns, content_hash,
       coalesce(committed_at, released_at) AS committed_at
  FROM ingest_files
 WHERE file_id = ANY (%(file_ids)s) AND status IN ('committed', 'duplicate', 'dropped') AND chunks_open = 0;

-- name: finished_files.mark_archived
UPDATE ingest_files SET archived_at = now() WHERE file_id = ANY (%(file_ids)s);

-- name: finished_files.unmark_archived
UPDATE ingest_files SET archived_at = NULL WHERE file_id = ANY (%(file_ids)s);
