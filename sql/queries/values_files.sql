-- The committed files after %(after_file_id)s, with what is needed to find them on disk and to read them again.
SELECT f.file_id, f.path, f.raw_path, f.inode, f.size_bytes, f.modified_ns, f.changed_ns, f.content_hash, f.committed_at,
       f.archived_at IS NOT NULL AS is_archived, f.compression, f.rows_read, l.columns, l.delimiter,
       -- Neither is there in a ledger of an older version.
       to_jsonb(l) ->> 'escape' AS escape, coalesce((to_jsonb(f) ->> 'header_bytes')::bigint, 0) AS header_bytes
  FROM ingest_files AS f
  LEFT JOIN ingest_layouts AS l USING (layout_id)
 WHERE f.status = 'committed' AND f.rows_read > 0 AND f.file_id > %(after_file_id)s
 ORDER BY f.file_id
 LIMIT %(files)s
