SELECT max(max_event_time) AS newest_event_time FROM ingest_batches
