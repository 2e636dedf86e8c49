-- The chunks of registered files: what a micro-batch reads.

-- name: chunks.waiting
SELECT c.seq, c.records, c.byte_length
FROM ingest_chunks AS c
WHERE c.seq > %(after)s AND (%(upto)s::bigint IS NULL OR c.seq <= %(upto)s)
ORDER BY c.seq
LIMIT %(limit)s;

-- name: chunks.waiting_by_source
-- The first %(limit)s of each source, and how many sources are in force.
WITH RECURSIVE sources AS (
    (SELECT source FROM ingest_chunks ORDER BY source LIMIT 1)
    UNION ALL
    SELECT (SELECT c.source FROM ingest_chunks AS c WHERE c.source > s.source ORDER BY c.source LIMIT 1)
    FROM sources AS s
    WHERE s.source IS NOT NULL
)
SELECT s.source, (SELECT count(*) FROM ingest_sources WHERE removed_at IS NULL), c.seq, c.records, c.byte_length
FROM sources AS s
CROSS JOIN LATERAL (
    SELECT seq, records, byte_length FROM ingest_chunks
    WHERE source = s.source AND seq > %(after)s
    ORDER BY seq
    LIMIT %(limit)s
) AS c
ORDER BY s.source, c.seq;

-- name: chunks.move
-- To their new places in the queue, unless another stream took over.
WITH held AS (SELECT epoch FROM stream_lease WHERE epoch = %(epoch)s FOR KEY SHARE)
UPDATE ingest_chunks AS c SET seq = m.new
FROM unnest(%(old)s::bigint[], %(new)s::bigint[]) AS m (old, new)
WHERE c.seq = m.old AND EXISTS (SELECT FROM held)
RETURNING c.seq;

-- name: chunks.to_read
SELECT
    c.seq, c.file_id, f.path, f.raw_path, f.inode, f.size_bytes, f.modified_ns, f.changed_ns, f.compression,
    f.layout_id, l.columns, l.delimiter, c.byte_offset, c.byte_length, c.first_line,
    l.escape, f.header_bytes, c.content_hash,
    coalesce(
        c.file_id = (SELECT n.file_id FROM ingest_chunks AS n
                      WHERE n.source = c.source AND n.seq > c.seq ORDER BY n.seq LIMIT 1), false
    ) AS goes_on,
    m.mapping::text AS mapping,
    CASE WHEN f.source <> 'default' THEN (SELECT s.directory FROM ingest_sources AS s WHERE s.source = f.source) END
        AS directory,
    l.encoding, l.format
FROM ingest_chunks AS c
JOIN ingest_files AS f USING (file_id)
JOIN ingest_layouts AS l USING (layout_id)
LEFT JOIN ingest_mappings AS m USING (mapping_id)
WHERE c.seq > %(after)s AND c.seq <= %(upto)s
ORDER BY c.file_id, c.seq;

-- name: chunks.next_batch
-- For the micro-batch of the chunks behind %(after)s: from when on events are taken in (what retention dropped does not come
-- back; null: nothing was dropped), and the id that it will get. Chunks before it are still there while the micro-batch
-- before it is being stored.
SELECT (SELECT max(to_time) FROM dropped_partitions),
       (SELECT coalesce(max(batch_id), 0) + 1 FROM ingest_batches)
           + (EXISTS (SELECT FROM ingest_chunks WHERE seq <= %(after)s))::int;

-- name: chunks.of_batch
SELECT c.seq, c.file_id, c.records
FROM ingest_chunks AS c
WHERE c.seq > %(after)s AND c.seq <= %(upto)s
ORDER BY c.seq;

-- name: chunks.delete
DELETE FROM ingest_chunks WHERE seq > %(after)s AND seq <= %(upto)s;

-- name: chunks.delete_void
DELETE FROM ingest_chunks WHERE file_id = ANY (%(file_ids)s);
