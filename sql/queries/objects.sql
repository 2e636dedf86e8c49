-- Objects of sources in object stores: `ingest_objects`, `ingest_listings`.

-- name: objects.note
-- The objects of a page of a listing (parallel arrays) that were never seen in this state.
INSERT INTO ingest_objects (source, bucket, object_key, etag, modified_at, size_bytes, path)
SELECT %(source)s, %(bucket)s, p.object_key, p.etag, p.modified_at, p.size_bytes, p.path
  FROM unnest(%(keys)s::text[], %(etags)s::text[], %(modified)s::timestamptz[], %(sizes)s::bigint[], %(paths)s::text[])
       AS p (object_key, etag, modified_at, size_bytes, path)
 WHERE NOT EXISTS (SELECT FROM ingest_objects AS o
                    WHERE o.source = %(source)s AND o.bucket = %(bucket)s AND o.object_key = p.object_key
                      AND o.etag = p.etag AND o.modified_at = p.modified_at)
ON CONFLICT DO NOTHING;

-- name: objects.listing
SELECT after_key, highest_key, objects, extract(epoch FROM now() - complete_at)::double precision AS complete_since
  FROM ingest_listings WHERE source = %(source)s AND bucket = %(bucket)s;

-- name: objects.note_listing
INSERT INTO ingest_listings AS l (source, bucket, after_key, highest_key, objects, complete_at)
VALUES (%(source)s, %(bucket)s, %(after_key)s, %(highest_key)s, %(objects)s,
        CASE WHEN %(is_complete)s THEN now() END)
ON CONFLICT (source, bucket) DO UPDATE SET
    after_key = excluded.after_key, highest_key = excluded.highest_key,
    objects = CASE WHEN %(is_complete)s THEN excluded.objects ELSE l.objects END,
    complete_at = coalesce(excluded.complete_at, l.complete_at);

-- name: objects.to_fetch
-- The oldest objects that may be fetched now: of one path, one after the other. A file that is held back gives way.
SELECT object_id, object_key, etag, modified_at, size_bytes, path
  FROM ingest_objects AS o
 WHERE source = %(source)s AND bucket = %(bucket)s AND status = 'listed'
   AND (try_after IS NULL OR try_after <= now())
   AND object_id <> ALL (%(busy)s)
   AND NOT EXISTS (SELECT FROM ingest_objects AS before
                      LEFT JOIN ingest_files AS f USING (file_id)
                    WHERE before.source = %(source)s AND before.path = o.path AND before.status = 'fetched'
                      AND (f.status IS NULL OR f.status <> 'held' OR f.released_at IS NOT NULL))
 ORDER BY modified_at, object_key
 LIMIT %(objects)s;

-- name: objects.left_to_fetch
-- Whether some are left that did not fail yet.
SELECT EXISTS (SELECT FROM ingest_objects
                WHERE source = %(source)s AND bucket = %(bucket)s AND status = 'listed' AND failures = 0);

-- name: objects.fetched
UPDATE ingest_objects
   SET status = 'fetched', fetched_at = clock_timestamp(), inode = %(inode)s, modified_ns = %(modified_ns)s,
       version_id = %(version_id)s, failures = 0, try_after = NULL, detail = NULL, file_id = NULL
 WHERE object_id = %(object_id)s;

-- name: objects.to_fetch_again
-- Its file is lost, or was damaged.
UPDATE ingest_objects
   SET status = 'listed', inode = NULL, modified_ns = NULL, file_id = NULL
 WHERE object_id = ANY (%(object_ids)s);

-- name: objects.failed
-- A reason of this object alone: the others go on.
UPDATE ingest_objects
   SET failures = failures + 1, detail = %(detail)s,
       try_after = now() + make_interval(secs => least(3600, 15 * power(2, least(failures, 10))))
 WHERE object_id = %(object_id)s;

-- name: objects.over
-- It was gone, or replaced, before it could be fetched.
UPDATE ingest_objects SET status = %(status)s, finished_at = clock_timestamp() WHERE object_id = %(object_id)s;

-- name: objects.done
UPDATE ingest_objects
   SET status = 'done', finished_at = clock_timestamp(), outcome = %(outcome)s, detail = %(detail)s
 WHERE object_id = %(object_id)s;

-- name: objects.fetched_files
-- The objects whose files are on disk, and what the ledger says of these files.
SELECT o.object_id, o.object_key, o.etag, o.modified_at, o.size_bytes, o.path, o.version_id, o.inode, o.modified_ns,
       f.status, o.try_after IS NULL OR o.try_after <= now() AS is_due
  FROM ingest_objects AS o
  LEFT JOIN LATERAL (
       SELECT status FROM ingest_files
        WHERE source = o.source AND path = o.path AND inode = o.inode AND modified_ns = o.modified_ns
          AND size_bytes = o.size_bytes
        ORDER BY file_id DESC LIMIT 1) AS f ON true
 WHERE o.source = %(source)s AND o.bucket = %(bucket)s AND o.status = 'fetched'
 ORDER BY o.object_id;

-- name: objects.note_files
-- Which file became of each object.
UPDATE ingest_objects AS o SET file_id = f.file_id
  FROM ingest_files AS f
 WHERE o.source = %(source)s AND o.bucket = %(bucket)s AND o.status = 'fetched' AND o.file_id IS NULL
   AND f.source = o.source AND f.path = o.path AND f.inode = o.inode AND f.modified_ns = o.modified_ns
   AND f.size_bytes = o.size_bytes;

-- name: objects.troubled
-- How many objects cannot be fetched, tagged or moved, and one of them.
SELECT count(*), min(object_key), min(detail) FROM ingest_objects
 WHERE source = %(source)s AND bucket = %(bucket)s AND status IN ('listed', 'fetched') AND failures > 0;

-- name: objects.waiting
-- The objects of a source that are not stored yet, as far as the stream has seen them.
SELECT count(*), coalesce(sum(o.size_bytes), 0)::bigint, min(o.modified_at),
       count(*) FILTER (WHERE f.status = 'registered'),
       count(*) FILTER (WHERE o.status = 'fetched'),
       (array_agg(o.path ORDER BY o.modified_at, o.object_key))[1:%(examples)s]
  FROM ingest_objects AS o
  LEFT JOIN ingest_files AS f USING (file_id)
 WHERE o.source = %(source)s AND o.status IN ('listed', 'fetched')
   AND (f.status IS NULL OR f.status IN ('registered', 'changed')
        OR (f.status = 'held' AND f.released_at IS NOT NULL));

-- name: objects.of_file
-- The object that a file was fetched from.
SELECT source, object_key, etag, modified_at, size_bytes, version_id FROM ingest_objects WHERE file_id = %(file_id)s;
