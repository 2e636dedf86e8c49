INSERT INTO rejected_events ({columns}, batch_id)
SELECT {columns}, %(batch_id)s
FROM {rows}
WHERE reason IS NOT NULL AND line_no > 0 AND file_id <> ALL (%(void)s)
ORDER BY file_id, line_no
