-- A task that Spark ran twice wrote its rows twice.
DELETE FROM {events} AS a USING {events} AS b
WHERE a.file_id = b.file_id AND a.line_no = b.line_no AND a.ctid > b.ctid
