-- The audit of the values: stored rows against their files.

-- name: values.size
-- How many rows there are to compare.
SELECT coalesce(sum(rows_read), 0)::bigint AS rows FROM ingest_files WHERE status = 'committed';

-- name: values.floor
-- From where on retention has kept events, in microseconds since 1970; null where it never dropped any.
SELECT (extract(epoch FROM max(to_time)) * 1000000)::bigint FROM dropped_partitions;

-- name: values.sample
-- Committed files in a random order: the more rows one has, the sooner it is likely to come.
SELECT file_id
  FROM ingest_files
 WHERE status = 'committed' AND rows_read > 0
 ORDER BY -ln(1 - random()) / rows_read
 LIMIT %(files)s;

-- name: values.files
-- The committed files after %(after_file_id)s, with what is needed to find them on disk and to read them again.
SELECT f.file_id, f.path, f.raw_path, f.inode, f.size_bytes, f.modified_ns, f.changed_ns, f.content_hash, f.committed_at,
       f.archived_at IS NOT NULL AS is_archived, f.compression, f.rows_read, l.columns, l.delimiter,
       -- None of these is there in a ledger of an older version.
       to_jsonb(l) ->> 'escape' AS escape, coalesce((to_jsonb(f) ->> 'header_bytes')::bigint, 0) AS header_bytes,
       (to_jsonb(f) ->> 'mapping_id')::integer AS mapping_id, coalesce(to_jsonb(l) ->> 'encoding', 'utf-8') AS encoding,
       coalesce(to_jsonb(l) ->> 'format', 'csv') AS format
  FROM ingest_files AS f
  LEFT JOIN ingest_layouts AS l USING (layout_id)
 WHERE f.status = 'committed' AND f.rows_read > 0 AND f.file_id > %(after_file_id)s
 ORDER BY f.file_id
 LIMIT %(files)s;

-- name: values.source
-- Asked for where there are several, which no ledger of an older version has.
SELECT source FROM ingest_files WHERE file_id = %(file_id)s;

-- name: values.has_mappings
-- Whether this database records the mappings of files: one that was set up by an older version does not.
SELECT to_regclass('ingest_mappings') IS NOT NULL;

-- name: values.mappings
SELECT mapping_id, mapping::text FROM ingest_mappings;

-- name: values.events
-- The events of the files from %(first_file_id)s to %(last_file_id)s, in the order of the files' lines.
-- Their times are in microseconds since 1970.
SELECT file_id, line_no, extra::text, (extract(epoch FROM ingested_at) * 1000000)::bigint, {fields}
  FROM events AS e, LATERAL (SELECT (extract(epoch FROM e.event_time) * 1000000)::bigint AS event_time) AS moment
 WHERE file_id BETWEEN %(first_file_id)s AND %(last_file_id)s
   AND line_no BETWEEN %(first_line)s AND %(last_line)s
 ORDER BY file_id, line_no;

-- name: values.rejects
-- The rejected rows of the files from %(first_file_id)s to %(last_file_id)s, in the order of the files' lines.
SELECT file_id, line_no, reason, raw, byte_offset, byte_length,
       (extract(epoch FROM rejected_at) * 1000000)::bigint
  FROM rejected_events
 WHERE file_id BETWEEN %(first_file_id)s AND %(last_file_id)s
   AND line_no BETWEEN %(first_line)s AND %(last_line)s
 ORDER BY file_id, line_no;

-- name: values.duplicates
-- For rows of a file that are not stored (parallel arrays): the event with their id and time, and the conflict that
-- was noted for them.
SELECT w.line_no, e.event_id IS NOT NULL AS is_stored, c.file_id IS NOT NULL AS is_conflict, e.extra::text, {fields}
  FROM unnest(%(lines)s::bigint[], %(event_ids)s::uuid[], %(event_times)s::timestamptz[])
       AS w (line_no, event_id, event_time)
  LEFT JOIN events AS e ON e.event_id = w.event_id AND e.event_time = w.event_time
  LEFT JOIN event_conflicts AS c
    ON c.file_id = %(file_id)s AND c.line_no = w.line_no
   AND c.event_id = w.event_id AND c.event_time = w.event_time
 ORDER BY w.line_no;
