COPY {table} (file_id, line_no, byte_offset, byte_length, raw, reason, detail) FROM STDIN (FORMAT csv, ENCODING 'UTF8')
