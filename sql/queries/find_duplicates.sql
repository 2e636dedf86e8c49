-- The staged rows that the merge did not insert. This transaction is the only writer, so the rows it inserted are
-- those with an id above the last one before.
INSERT INTO merge_duplicates
SELECT s.*
FROM {events} AS s
WHERE NOT EXISTS (
    SELECT FROM events AS e WHERE e.id > %(last_id)s AND e.file_id = s.file_id AND e.line_no = s.line_no
)
