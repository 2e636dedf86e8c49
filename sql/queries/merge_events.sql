-- Staged rows that no event has the identity of become events, in the order of their ids, which makes the index writes
-- cheap; among duplicates the earlier file and line win. Which rows of the staging table: those between two places in it.
-- Says how many were inserted, by file.
WITH inserted AS (
    INSERT INTO events ({columns}, batch_id)
    SELECT {columns}, %(batch_id)s
    FROM {rows}
    WHERE event_id IS NOT NULL AND ctid >= %(first)s::tid AND ctid < %(last)s::tid AND file_id <> ALL (%(void)s)
    ORDER BY event_id, event_time, file_id, line_no
    ON CONFLICT (event_id, event_time) DO NOTHING
    RETURNING file_id
)
SELECT file_id, count(*) FROM inserted GROUP BY file_id
