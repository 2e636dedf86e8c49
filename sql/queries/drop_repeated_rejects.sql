DELETE FROM {rejects} AS a USING {rejects} AS b
WHERE a.file_id = b.file_id AND a.line_no = b.line_no AND a.ctid > b.ctid
