-- The files of a directory listing (parallel arrays) that are not committed, and the registered ones that are
-- not in the listing. The rules are explained in clickstream_assets/ledger/waiting_files.py.
WITH disk AS (
    SELECT *
      FROM unnest(%(paths)s::text[], %(inodes)s::bigint[], %(sizes)s::bigint[], %(modified)s::bigint[],
                  %(changed)s::bigint[]) AS d (path, inode, size_bytes, modified_ns, changed_ns)
), known AS (
    SELECT DISTINCT ON (disk.path)
           disk.path, f.status, f.landed_at, f.inode, f.size_bytes, f.modified_ns, f.changed_ns
      FROM disk
      JOIN ingest_files AS f ON f.path = disk.path
     ORDER BY disk.path, f.file_id DESC
), waiting AS (
    SELECT disk.path, disk.size_bytes, known.status,
           coalesce(known.landed_at, to_timestamp(disk.changed_ns / 1e9)) AS landed_at
      FROM disk
      LEFT JOIN known
        ON known.path = disk.path AND known.inode = disk.inode AND known.size_bytes = disk.size_bytes
       AND known.modified_ns = disk.modified_ns
     WHERE known.status IS NULL
        OR known.status IN ('registered', 'changed')
        OR (known.status = 'rejected' AND known.changed_ns <> disk.changed_ns)
), vanished AS (
    SELECT f.path, f.file_id
      FROM ingest_files AS f
     WHERE f.status = 'registered'
       AND f.landed_at < to_timestamp(%(listed_at)s)     -- a younger one may have landed after the listing
       AND NOT EXISTS (SELECT FROM disk
                        WHERE disk.path = f.path AND disk.inode = f.inode AND disk.size_bytes = f.size_bytes
                          AND disk.modified_ns = f.modified_ns)
)
SELECT (SELECT count(*) FROM waiting),
       (SELECT coalesce(sum(size_bytes), 0)::bigint FROM waiting),
       (SELECT count(*) FROM waiting WHERE status = 'registered'),
       (SELECT min(landed_at) FROM waiting),
       ARRAY(SELECT path FROM waiting ORDER BY landed_at, path LIMIT %(examples)s),
       (SELECT count(*) FROM vanished),
       ARRAY(SELECT path FROM vanished ORDER BY file_id LIMIT %(examples)s)
