-- What kind of file a layout is of, and the encoding of its text. All files before were CSV in UTF-8.
ALTER TABLE ingest_layouts ADD COLUMN IF NOT EXISTS encoding text NOT NULL DEFAULT 'utf-8';
ALTER TABLE ingest_layouts ADD COLUMN IF NOT EXISTS format text NOT NULL DEFAULT 'csv';
DROP INDEX IF EXISTS ingest_layouts_distinct;
