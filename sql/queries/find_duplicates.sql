-- The staged rows that the merge did not insert. This transaction is the only writer, so the rows it inserted are
-- those with an id above the last one before.
INSERT INTO merge_duplicates (file_id, line_no)
SELECT file_id, line_no FROM {events}
EXCEPT
SELECT file_id, line_no FROM events WHERE id > %(last_id)s
