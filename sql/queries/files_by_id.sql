SELECT file_id, path, raw_path, inode, size_bytes, modified_ns, changed_ns, content_hash, committed_at
  FROM ingest_files
 WHERE file_id = ANY (%(file_ids)s) AND status IN ('committed', 'duplicate') AND chunks_open = 0
