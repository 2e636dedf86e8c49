-- How a file escapes quotes belongs to its layout, and the bytes that were registered are compared with those that are
-- read. What was registered before has neither: it is read as it was.
ALTER TABLE ingest_layouts ADD COLUMN IF NOT EXISTS escape text;
ALTER TABLE ingest_layouts DROP CONSTRAINT IF EXISTS ingest_layouts_columns_delimiter_key;
ALTER TABLE ingest_files ADD COLUMN IF NOT EXISTS header_bytes bigint NOT NULL DEFAULT 0;
ALTER TABLE ingest_chunks ADD COLUMN IF NOT EXISTS content_hash bytea;
