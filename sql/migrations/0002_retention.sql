-- Retention and the maintenance that goes with it: what was dropped from events stays in the books.
ALTER TABLE ingest_files ADD COLUMN IF NOT EXISTS rows_dropped bigint NOT NULL DEFAULT 0;
ALTER TABLE ingest_batches ADD COLUMN IF NOT EXISTS rows_dropped bigint NOT NULL DEFAULT 0;
