-- Sources take turns: a chunk knows its source, and numbers have gaps into which one can be moved.
ALTER TABLE ingest_chunks ADD COLUMN IF NOT EXISTS source text NOT NULL DEFAULT 'default';
UPDATE ingest_chunks AS c SET source = f.source FROM ingest_files AS f WHERE f.file_id = c.file_id AND f.source <> c.source;
ALTER SEQUENCE ingest_chunks_seq INCREMENT BY 1000000;
