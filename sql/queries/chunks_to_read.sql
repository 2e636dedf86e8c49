SELECT
    c.seq, c.file_id, f.path, f.raw_path, f.inode, f.size_bytes, f.modified_ns, f.changed_ns, f.compression,
    f.layout_id, l.columns, l.delimiter, c.byte_offset, c.byte_length, c.first_line,
    l.escape, f.header_bytes, c.content_hash,
    EXISTS (SELECT FROM ingest_chunks AS n WHERE n.seq = c.seq + 1 AND n.file_id = c.file_id) AS goes_on
FROM ingest_chunks AS c
JOIN ingest_files AS f USING (file_id)
JOIN ingest_layouts AS l USING (layout_id)
WHERE c.seq > %(after)s AND c.seq <= %(upto)s
ORDER BY c.seq
