-- Registering files: `ingest_files`, `ingest_layouts`, `ingest_chunks`.

-- name: intake.known_file_states
-- The ledger's latest row of each of the given paths.
SELECT DISTINCT ON (path) path, inode, size_bytes, modified_ns, changed_ns, status, content_hash, file_id
FROM ingest_files
WHERE path = ANY (%(paths)s)
ORDER BY path, file_id DESC;

-- name: intake.update_file_state
-- The same content under the same name, only its change time moved (chmod, a hard link): the same delivery.
UPDATE ingest_files SET changed_ns = %(changed_ns)s WHERE file_id = %(file_id)s;

-- name: intake.committed_content
-- Files whose content is committed already, by hash.
SELECT DISTINCT ON (content_hash) content_hash, file_id, rows_read
FROM ingest_files
WHERE status = 'committed' AND content_hash = ANY (%(hashes)s)
ORDER BY content_hash, file_id;

-- name: intake.insert_layout
INSERT INTO ingest_layouts (columns, delimiter, escape) VALUES (%(columns)s, %(delimiter)s, %(escape)s)
ON CONFLICT (columns, delimiter, coalesce(escape, '')) DO NOTHING;

-- name: intake.select_layout
SELECT layout_id FROM ingest_layouts
WHERE columns = %(columns)s AND delimiter = %(delimiter)s AND escape IS NOT DISTINCT FROM %(escape)s;

-- name: intake.insert_mapping
INSERT INTO ingest_mappings (hash, mapping)
VALUES (sha256(convert_to(%(mapping)s, 'UTF8')), %(mapping)s::jsonb)
ON CONFLICT (hash) DO NOTHING;

-- name: intake.select_mapping
SELECT mapping_id FROM ingest_mappings WHERE hash = sha256(convert_to(%(mapping)s, 'UTF8'));

-- name: intake.insert_file
INSERT INTO ingest_files (
    path, raw_path, size_bytes, content_hash, status, reason, detail, landed_at, committed_at,
    rows_expected, rows_read, rows_duplicate, chunks_open, layout_id, compression, duplicate_of,
    inode, modified_ns, changed_ns, header_bytes, mapping_id
) VALUES (
    %(path)s, %(raw_path)s, %(size_bytes)s, %(content_hash)s, %(status)s, %(reason)s, %(detail)s,
    %(landed_at)s, CASE WHEN %(status)s IN ('committed', 'duplicate') THEN clock_timestamp() END,
    %(rows_expected)s, %(rows_duplicate)s, %(rows_duplicate)s, %(chunks_open)s, %(layout_id)s, %(compression)s,
    %(duplicate_of)s, %(inode)s, %(modified_ns)s, %(changed_ns)s, %(header_bytes)s,
    %(mapping_id)s
)
RETURNING file_id;

-- name: intake.insert_chunk
INSERT INTO ingest_chunks (file_id, byte_offset, byte_length, first_line, records, disk_bytes, content_hash)
VALUES (
    %(file_id)s, %(byte_offset)s, %(byte_length)s, %(first_line)s, %(records)s, %(disk_bytes)s, %(content_hash)s
);

-- name: intake.count_registered
-- After the files of one transaction were inserted, once in it. The first time, all that are there are counted.
UPDATE ledger_totals SET
    rows = coalesce(rows + cardinality(%(file_ids)s::bigint[]), (SELECT count(*) FROM ingest_files)),
    ids = coalesce(ids + (SELECT coalesce(sum(file_id), 0) FROM unnest(%(file_ids)s::bigint[]) AS file_id),
                   (SELECT coalesce(sum(file_id), 0) FROM ingest_files))
WHERE of_table = 'ingest_files';

-- name: intake.notify
NOTIFY clickstream_files;

-- name: intake.listen
LISTEN clickstream_files;
