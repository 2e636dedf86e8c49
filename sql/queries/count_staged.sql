-- Staged events by file.
SELECT file_id, count(*) FROM {rows} WHERE event_id IS NOT NULL AND file_id <> ALL (%(void)s) GROUP BY file_id
