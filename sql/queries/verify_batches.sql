-- The books of each batch after %(after_batch_id)s, beside what the tables really hold and the batch before it.
-- Ids that only the tables know come out with is_known false.
WITH stored AS (
    SELECT batch_id, count(*) AS events FROM events WHERE batch_id > %(after_batch_id)s GROUP BY batch_id
), rejected AS (
    SELECT batch_id, count(*) AS rejects
      FROM rejected_events
     WHERE batch_id > %(after_batch_id)s
     GROUP BY batch_id
), conflicting AS (
    SELECT batch_id, count(*) AS conflicts
      FROM event_conflicts
     WHERE batch_id > %(after_batch_id)s
     GROUP BY batch_id
), chained AS (
    SELECT *,
           lag(batch_id) OVER in_order AS previous_batch_id,
           lag(total_rows_read) OVER in_order AS previous_total_read,
           lag(total_rows_inserted) OVER in_order AS previous_total_inserted,
           lag(total_rows_duplicate) OVER in_order AS previous_total_duplicate,
           lag(total_rows_rejected) OVER in_order AS previous_total_rejected
      FROM ingest_batches
     WHERE batch_id >= %(after_batch_id)s
    WINDOW in_order AS (ORDER BY batch_id)
), books AS (
    SELECT * FROM chained WHERE batch_id > %(after_batch_id)s
)
SELECT batch_id, books.query_id IS NOT NULL AS is_known,
       coalesce(books.rows_read, 0) AS rows_read,
       coalesce(books.rows_inserted, 0) AS rows_inserted,
       coalesce(books.rows_duplicate, 0) AS rows_duplicate,
       coalesce(books.rows_rejected, 0) AS rows_rejected,
       coalesce(books.rows_conflict, 0) AS rows_conflict,
       coalesce(books.rows_dropped, 0) AS rows_dropped,
       coalesce(books.total_rows_read, 0) AS total_read,
       coalesce(books.total_rows_inserted, 0) AS total_inserted,
       coalesce(books.total_rows_duplicate, 0) AS total_duplicate,
       coalesce(books.total_rows_rejected, 0) AS total_rejected,
       books.previous_batch_id,
       coalesce(books.previous_total_read, 0) AS previous_total_read,
       coalesce(books.previous_total_inserted, 0) AS previous_total_inserted,
       coalesce(books.previous_total_duplicate, 0) AS previous_total_duplicate,
       coalesce(books.previous_total_rejected, 0) AS previous_total_rejected,
       coalesce(stored.events, 0) AS events_stored,
       coalesce(rejected.rejects, 0) AS rejects_stored,
       coalesce(conflicting.conflicts, 0) AS conflicts_stored
  FROM books
  FULL JOIN stored USING (batch_id)
  FULL JOIN rejected USING (batch_id)
  FULL JOIN conflicting USING (batch_id)
 ORDER BY batch_id
