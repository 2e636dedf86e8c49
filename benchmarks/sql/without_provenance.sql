-- So that rows without provenance fit into our table; the pipeline's own rows always bring it.
ALTER TABLE events
    ALTER COLUMN batch_id SET DEFAULT 0, ALTER COLUMN file_id SET DEFAULT 0, ALTER COLUMN line_no SET DEFAULT 0
