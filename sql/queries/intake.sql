-- Registering files: `ingest_files`, `ingest_layouts`, `ingest_chunks`.

-- name: intake.known_file_states
-- The ledger's latest row of each of the given paths of a source.
SELECT DISTINCT ON (path) path, inode, size_bytes, modified_ns, changed_ns, status, content_hash, file_id, reason
FROM ingest_files
WHERE path = ANY (%(paths)s) AND source = %(source)s
ORDER BY path, file_id DESC;

-- name: intake.update_file_state
-- The same content under the same name, only its change time moved (chmod, a hard link): the same delivery.
UPDATE ingest_files SET changed_ns = %(changed_ns)s WHERE file_id = %(file_id)s;

-- name: intake.committed_content
-- Files of a source whose content is committed already, by hash. Another source may read the same bytes as other events.
SELECT DISTINCT ON (content_hash) content_hash, file_id, rows_read
FROM ingest_files
WHERE status = 'committed' AND content_hash = ANY (%(hashes)s) AND source = %(source)s
ORDER BY content_hash, file_id;

-- name: intake.insert_layout
INSERT INTO ingest_layouts (columns, delimiter, escape, encoding, format)
VALUES (%(columns)s, %(delimiter)s, %(escape)s, %(encoding)s, %(format)s)
ON CONFLICT (columns, delimiter, coalesce(escape, ''), encoding, format) DO NOTHING;

-- name: intake.select_layout
SELECT layout_id FROM ingest_layouts
WHERE columns = %(columns)s AND delimiter = %(delimiter)s AND escape IS NOT DISTINCT FROM %(escape)s
  AND encoding = %(encoding)s AND format = %(format)s;

-- name: intake.insert_mapping
INSERT INTO ingest_mappings (hash, mapping)
VALUES (sha256(convert_to(%(mapping)s, 'UTF8')), %(mapping)s::jsonb)
ON CONFLICT (hash) DO NOTHING;

-- name: intake.select_mapping
SELECT mapping_id FROM ingest_mappings WHERE hash = sha256(convert_to(%(mapping)s, 'UTF8'));

-- name: intake.insert_files
-- All of a transaction at once, in the order of their numbers, and so are their ids. Bytes are in hexadecimal digits.
INSERT INTO ingest_files (
    path, raw_path, size_bytes, content_hash, status, reason, detail, landed_at, committed_at,
    rows_expected, rows_read, rows_duplicate, chunks_open, layout_id, compression, duplicate_of,
    inode, modified_ns, changed_ns, header_bytes, mapping_id, source
)
SELECT path, decode(raw_path, 'hex'), size_bytes, decode(content_hash, 'hex'), status, reason, detail,
       landed_at, CASE WHEN status IN ('committed', 'duplicate') THEN clock_timestamp() END,
       rows_expected, rows_duplicate, rows_duplicate, chunks_open, layout_id, compression,
       duplicate_of, inode, modified_ns, changed_ns, header_bytes, %(mapping_id)s, %(source)s
FROM json_to_recordset(%(files)s::json) AS files (
    number integer, path text, raw_path text, size_bytes bigint, content_hash text, status text, reason text,
    detail text, landed_at timestamptz, rows_expected bigint, rows_duplicate bigint, chunks_open integer,
    header_bytes bigint, layout_id integer, compression text, duplicate_of bigint, inode bigint,
    modified_ns bigint, changed_ns bigint
)
ORDER BY number
RETURNING file_id;

-- name: intake.note_layout
-- That files of a source come with this header.
INSERT INTO ingest_source_layouts (source, layout_id) VALUES (%(source)s, %(layout_id)s) ON CONFLICT DO NOTHING;

-- name: intake.insert_chunks
-- All of a transaction at once, in the order of their numbers, and so are their sequence numbers.
INSERT INTO ingest_chunks (file_id, source, byte_offset, byte_length, first_line, records, disk_bytes, content_hash)
SELECT file_id, %(source)s, byte_offset, byte_length, first_line, records, disk_bytes, decode(content_hash, 'hex')
FROM json_to_recordset(%(chunks)s::json) AS chunks (
    number integer, file_id bigint, byte_offset bigint, byte_length bigint, first_line bigint, records bigint,
    disk_bytes bigint, content_hash text
)
ORDER BY number;

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

-- name: intake.record_source
-- What is in force of a source from now on. Since when stays, where nothing changed.
INSERT INTO ingest_sources AS s (source, directory, owner, settings)
VALUES (%(source)s, %(directory)s, %(owner)s, %(settings)s::jsonb)
ON CONFLICT (source) DO UPDATE SET
    directory = excluded.directory, owner = excluded.owner, settings = excluded.settings,
    in_force_since = CASE
        WHEN (s.directory, s.owner, s.settings, s.removed_at)
             IS NOT DISTINCT FROM (excluded.directory, excluded.owner, excluded.settings, NULL)
        THEN s.in_force_since ELSE now() END,
    problem = NULL, problem_since = NULL, fault = NULL, removed_at = NULL;

-- name: intake.remove_sources
-- Those that are no longer among %(sources)s.
UPDATE ingest_sources SET removed_at = now(), problem = NULL, problem_since = NULL, fault = NULL
WHERE removed_at IS NULL AND source <> ALL (%(sources)s);

-- name: intake.record_problem
UPDATE ingest_sources SET problem = %(problem)s,
       problem_since = CASE WHEN %(problem)s::text IS NULL THEN NULL ELSE coalesce(problem_since, now()) END
WHERE source = %(source)s;

-- name: intake.record_fault
UPDATE ingest_sources SET fault = %(fault)s WHERE removed_at IS NULL;

-- name: intake.columns_of_source
SELECT l.columns FROM ingest_source_layouts AS s JOIN ingest_layouts AS l USING (layout_id) WHERE s.source = %(source)s;

-- name: intake.wanted_again
-- Files that were held back and are released; and the newest deliveries whose directory was away when a task came to read.
SELECT source, file_id, path, raw_path, true AS is_released
FROM ingest_files
WHERE status = 'held' AND released_at IS NOT NULL
UNION ALL
SELECT f.source, f.file_id, f.path, f.raw_path, false
FROM ingest_files AS f
WHERE f.status = 'changed' AND f.reason = 'away'
  AND NOT EXISTS (SELECT FROM ingest_files AS later
                   WHERE later.path = f.path AND later.source = f.source AND later.file_id > f.file_id)
ORDER BY file_id;

-- name: intake.held_file
SELECT content_hash FROM ingest_files
WHERE file_id = %(file_id)s AND status = 'held' AND released_at IS NOT NULL FOR UPDATE;

-- name: intake.released_is_gone
UPDATE ingest_files SET status = 'changed', reason = 'changed',
       detail = 'It changed or vanished after it was held back and before it was released.'
WHERE file_id = %(file_id)s;

-- name: intake.take_released
UPDATE ingest_files SET
    status = %(status)s, reason = %(reason)s, detail = %(detail)s, rows_expected = %(rows_expected)s,
    rows_read = %(rows_duplicate)s, rows_duplicate = %(rows_duplicate)s, duplicate_of = %(duplicate_of)s,
    committed_at = CASE WHEN %(status)s IN ('committed', 'duplicate') THEN clock_timestamp() END,
    chunks_open = %(chunks_open)s, header_bytes = %(header_bytes)s, layout_id = %(layout_id)s,
    compression = %(compression)s, inode = %(inode)s, modified_ns = %(modified_ns)s, changed_ns = %(changed_ns)s,
    mapping_id = %(mapping_id)s
WHERE file_id = %(file_id)s;
