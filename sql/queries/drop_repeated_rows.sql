-- A task that Spark ran twice wrote its rows twice.
DELETE FROM {rows} AS a USING {rows} AS b
WHERE a.file_id = b.file_id AND a.line_no = b.line_no AND a.ctid > b.ctid
