-- Several sources in one stream: each file says which one it is from. Files of before are from the events directory.
ALTER TABLE ingest_files
    ADD COLUMN source text NOT NULL DEFAULT 'default',
    ADD COLUMN released_at timestamptz,
    DROP CONSTRAINT ingest_files_status_check,
    ADD CONSTRAINT ingest_files_status_check
        CHECK (status IN ('registered', 'committed', 'duplicate', 'rejected', 'changed', 'held', 'dropped'));
CREATE TABLE ingest_source_layouts (
    source        text NOT NULL,
    layout_id     integer NOT NULL REFERENCES ingest_layouts,
    first_seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source, layout_id)
);
INSERT INTO ingest_source_layouts (source, layout_id, first_seen_at)
SELECT 'default', layout_id, first_seen_at FROM ingest_layouts
 WHERE NOT 'replay_of' = ANY (columns);
