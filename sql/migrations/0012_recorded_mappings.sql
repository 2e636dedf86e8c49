-- A file is read by the source mapping that it was registered with. Files of before have none on record: they are read
-- by the mapping of now.
CREATE TABLE ingest_mappings (
    mapping_id    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hash          bytea NOT NULL UNIQUE,
    mapping       jsonb NOT NULL,
    first_seen_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE ingest_files ADD COLUMN mapping_id integer REFERENCES ingest_mappings;
