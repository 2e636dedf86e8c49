INSERT INTO ingest_files (
    path, raw_path, size_bytes, content_hash, status, reason, detail, landed_at, committed_at,
    rows_expected, rows_read, rows_duplicate, chunks_open, layout_id, compression, duplicate_of,
    inode, modified_ns, changed_ns, header_bytes
) VALUES (
    %(path)s, %(raw_path)s, %(size_bytes)s, %(content_hash)s, %(status)s, %(reason)s, %(detail)s,
    %(landed_at)s, CASE WHEN %(status)s IN ('committed', 'duplicate') THEN clock_timestamp() END,
    %(rows_expected)s, %(rows_duplicate)s, %(rows_duplicate)s, %(chunks_open)s, %(layout_id)s, %(compression)s,
    %(duplicate_of)s, %(inode)s, %(modified_ns)s, %(changed_ns)s, %(header_bytes)s
)
RETURNING file_id
