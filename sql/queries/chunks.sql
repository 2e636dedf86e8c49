-- The chunks of registered files: what a micro-batch reads.

-- name: chunks.waiting
SELECT c.seq, c.records, c.byte_length
FROM ingest_chunks AS c
WHERE c.seq > %(after)s AND (%(upto)s::bigint IS NULL OR c.seq <= %(upto)s)
ORDER BY c.seq
LIMIT %(limit)s;

-- name: chunks.to_read
SELECT
    c.seq, c.file_id, f.path, f.raw_path, f.inode, f.size_bytes, f.modified_ns, f.changed_ns, f.compression,
    f.layout_id, l.columns, l.delimiter, c.byte_offset, c.byte_length, c.first_line,
    l.escape, f.header_bytes, c.content_hash,
    EXISTS (SELECT FROM ingest_chunks AS n WHERE n.seq = c.seq + 1 AND n.file_id = c.file_id) AS goes_on,
    m.mapping::text AS mapping,
    CASE WHEN f.source <> 'default' THEN (SELECT s.directory FROM ingest_sources AS s WHERE s.source = f.source) END
        AS directory,
    l.encoding, l.format
FROM ingest_chunks AS c
JOIN ingest_files AS f USING (file_id)
JOIN ingest_layouts AS l USING (layout_id)
LEFT JOIN ingest_mappings AS m USING (mapping_id)
WHERE c.seq > %(after)s AND c.seq <= %(upto)s
ORDER BY c.seq;

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
