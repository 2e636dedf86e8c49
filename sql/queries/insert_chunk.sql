INSERT INTO ingest_chunks (file_id, byte_offset, byte_length, first_line, records, disk_bytes, content_hash)
VALUES (
    %(file_id)s, %(byte_offset)s, %(byte_length)s, %(first_line)s, %(records)s, %(disk_bytes)s, %(content_hash)s
)
