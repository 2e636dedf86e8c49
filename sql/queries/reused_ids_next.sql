-- The batches to look at next, about %(row_limit)s events, and how many batches wait after them.
WITH state AS (
    SELECT s.ids_through_batch_id AS through,
           coalesce((SELECT total_rows_inserted FROM ingest_batches WHERE batch_id = s.ids_through_batch_id), 0) AS rows
      FROM maintenance_state AS s
)
SELECT state.through,
       coalesce((SELECT max(b.batch_id) FROM ingest_batches AS b
                  WHERE b.batch_id > state.through
                    AND b.total_rows_inserted - b.rows_inserted < state.rows + %(row_limit)s), state.through) AS target,
       coalesce((SELECT max(batch_id) FROM ingest_batches), 0) AS newest
  FROM state
