-- Autovacuum does not analyze a partitioned table itself, and its planner statistics are those of a join over months.
ANALYZE events;
ANALYZE ingest_files;
ANALYZE ingest_batches;
ANALYZE rejected_events;
ANALYZE sessions;
ANALYZE product_performance
