-- The file and line of the staged events between two places of the table.
SELECT file_id, line_no FROM {rows}
WHERE event_id IS NOT NULL AND ctid >= %(first)s::tid AND ctid < %(last)s::tid AND file_id <> ALL (%(void)s)
