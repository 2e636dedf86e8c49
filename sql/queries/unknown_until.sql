-- The newest event time in the books: later events are new.
SELECT max(max_event_time) FROM ingest_batches
