-- The whole schema, safe to repeat. Applied by `clickstream setup-db` as the database owner,
-- which then gives the two roles created here their passwords.
--
--   1. roles        2. the ledger (files, chunks, batches, lease)
--   3. events, rejects, conflicts        4. partitions        5. summaries        6. privileges
--
-- What a table or a column holds is said by its COMMENT alone: psql and Dagster's catalogue show it.
-- Ids of people, sessions and products are text: real ones exceed 64 bits and have leading zeros.

SET client_min_messages = warning;

-- 1. Roles ----------------------------------------------------------------------------------------

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'clickstream_writer') THEN
        CREATE ROLE clickstream_writer LOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'clickstream_reader') THEN
        CREATE ROLE clickstream_reader LOGIN;
    END IF;
END
$$;

-- Upload space of the sink: one short-lived unlogged table per part of a large micro-batch.
CREATE SCHEMA IF NOT EXISTS staging;

CREATE UNLOGGED TABLE IF NOT EXISTS staging.finished_parts (
    batch_token text NOT NULL,
    part_index  integer NOT NULL,
    token       text NOT NULL,
    part        jsonb NOT NULL,
    PRIMARY KEY (batch_token, part_index, token)
);
COMMENT ON TABLE staging.finished_parts IS 'The parts of a running micro-batch that tasks have uploaded, so that the sink stores the first while Spark still parses the rest.';
COMMENT ON COLUMN staging.finished_parts.batch_token IS 'One attempt of a micro-batch.';
COMMENT ON COLUMN staging.finished_parts.part_index IS 'Number of the part within the micro-batch.';
COMMENT ON COLUMN staging.finished_parts.token IS 'One attempt of a task: Spark accepts one of each part.';
COMMENT ON COLUMN staging.finished_parts.part IS 'What the task says of the part: its staging table and its counts.';

CREATE TABLE IF NOT EXISTS schema_versions (
    version    integer PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO schema_versions (version) VALUES (1) ON CONFLICT DO NOTHING;
COMMENT ON TABLE schema_versions IS 'The versions of the schema that were applied here.';
COMMENT ON COLUMN schema_versions.version IS 'Number of the migration in sql/migrations; 1 is the first release.';
COMMENT ON COLUMN schema_versions.applied_at IS 'When it was applied.';

-- 2. The ledger -----------------------------------------------------------------------------------

CREATE TABLE IF NOT EXISTS ingest_layouts (
    layout_id     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    columns       text[] NOT NULL,
    delimiter     text NOT NULL DEFAULT ',',
    first_seen_at timestamptz NOT NULL DEFAULT now(),
    escape        text,
    encoding      text NOT NULL DEFAULT 'utf-8',
    format        text NOT NULL DEFAULT 'csv'
);
-- One row each, where the escape is null, too: PostgreSQL 14 has no NULLS NOT DISTINCT.
CREATE UNIQUE INDEX IF NOT EXISTS ingest_layouts_distinct_formats
    ON ingest_layouts (columns, delimiter, coalesce(escape, ''), encoding, format);
COMMENT ON TABLE ingest_layouts IS 'The distinct headers that files came with, in the order of their columns.';
COMMENT ON COLUMN ingest_layouts.layout_id IS 'Number of the layout.';
COMMENT ON COLUMN ingest_layouts.columns IS 'Names of the columns as the files write them.';
COMMENT ON COLUMN ingest_layouts.delimiter IS 'What separates the fields.';
COMMENT ON COLUMN ingest_layouts.first_seen_at IS 'When a file with it was first registered.';
COMMENT ON COLUMN ingest_layouts.escape IS 'Escape of quotes in quoted fields: \ or "; none: quotes enclose nothing, and none\: a backslash escapes all the same; null where it does not show.';
COMMENT ON COLUMN ingest_layouts.encoding IS 'Encoding of the text, as Python calls it.';
COMMENT ON COLUMN ingest_layouts.format IS 'csv, json (an object a line), json_values (JSON of any other layout) or parquet.';

CREATE TABLE IF NOT EXISTS ingest_mappings (
    mapping_id    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hash          bytea NOT NULL UNIQUE,
    mapping       jsonb NOT NULL,
    first_seen_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE ingest_mappings IS 'The source mappings that files were registered with: what was on record then is what they are read by.';
COMMENT ON COLUMN ingest_mappings.mapping_id IS 'Number of the mapping.';
COMMENT ON COLUMN ingest_mappings.hash IS 'SHA-256 of its text.';
COMMENT ON COLUMN ingest_mappings.mapping IS 'Its tables, as docs/source-mapping.md describes them.';
COMMENT ON COLUMN ingest_mappings.first_seen_at IS 'When a file was first registered with it.';

CREATE TABLE IF NOT EXISTS ingest_files (
    file_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    path           text NOT NULL,
    raw_path       bytea,
    size_bytes     bigint NOT NULL,
    content_hash   bytea,
    status         text NOT NULL
        CHECK (status IN ('registered', 'committed', 'duplicate', 'rejected', 'changed', 'held', 'dropped')),
    reason         text,
    detail         text,
    landed_at      timestamptz NOT NULL,
    registered_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    committed_at   timestamptz,
    rows_expected  bigint NOT NULL DEFAULT 0,
    rows_read      bigint NOT NULL DEFAULT 0,
    rows_inserted  bigint NOT NULL DEFAULT 0,
    rows_duplicate bigint NOT NULL DEFAULT 0,
    rows_rejected  bigint NOT NULL DEFAULT 0,
    chunks_open    integer NOT NULL DEFAULT 0,
    layout_id      integer REFERENCES ingest_layouts,
    compression    text,
    duplicate_of   bigint,
    inode          bigint NOT NULL,
    modified_ns    bigint NOT NULL,
    changed_ns     bigint NOT NULL,
    archived_at    timestamptz,
    rows_dropped   bigint NOT NULL DEFAULT 0,
    header_bytes   bigint NOT NULL DEFAULT 0,
    mapping_id     integer REFERENCES ingest_mappings,
    source         text NOT NULL DEFAULT 'default',
    released_at    timestamptz
);
CREATE INDEX IF NOT EXISTS ingest_files_path ON ingest_files (path);
CREATE INDEX IF NOT EXISTS ingest_files_content_hash ON ingest_files (content_hash) WHERE status = 'committed';
CREATE INDEX IF NOT EXISTS ingest_files_waiting ON ingest_files (file_id) WHERE status = 'registered';
CREATE INDEX IF NOT EXISTS ingest_files_committed_at ON ingest_files (committed_at);
CREATE INDEX IF NOT EXISTS ingest_files_registered_at ON ingest_files (registered_at);
CREATE INDEX IF NOT EXISTS ingest_files_rejected ON ingest_files (registered_at) WHERE status = 'rejected';
CREATE INDEX IF NOT EXISTS ingest_files_held ON ingest_files (source) WHERE status = 'held';
CREATE INDEX IF NOT EXISTS ingest_files_away ON ingest_files (source) WHERE status = 'changed' AND reason = 'away';
-- Deliveries of known content are in no batch: their share of the totals is summed from here.
CREATE INDEX IF NOT EXISTS ingest_files_duplicate ON ingest_files (registered_at) INCLUDE (rows_duplicate)
    WHERE status = 'duplicate';
COMMENT ON TABLE ingest_files IS 'One row per delivery of a file. The same name with other content is another row, and so is the same content delivered again.';
COMMENT ON COLUMN ingest_files.file_id IS 'Number of the delivery, growing.';
COMMENT ON COLUMN ingest_files.path IS 'Path in the directory of its source, UTF-8 with \xNN escapes.';
COMMENT ON COLUMN ingest_files.raw_path IS 'The path as bytes, where it is not UTF-8; else null.';
COMMENT ON COLUMN ingest_files.size_bytes IS 'Size on disk (compressed, where the file is).';
COMMENT ON COLUMN ingest_files.content_hash IS 'SHA-256 of the bytes on disk; null if unreadable.';
COMMENT ON COLUMN ingest_files.status IS 'registered: waits for its micro-batch. committed: every record is in events, in rejected_events or counted as duplicate. duplicate: content that was committed before; nothing was read, all is counted as duplicate. rejected: cannot be read as events (see reason); nothing was read. held: held back by a rule of its source (see reason) until somebody releases or drops it; nothing was read. dropped: was held, and somebody decided against it; nothing was read. changed: changed or vanished before it was read; registered anew if still there.';
COMMENT ON COLUMN ingest_files.reason IS 'Short stable code for rejected, changed, held and dropped; else null.';
COMMENT ON COLUMN ingest_files.detail IS 'More about the reason.';
COMMENT ON COLUMN ingest_files.landed_at IS 'When the file appeared: the inode''s change time, which a rename sets.';
COMMENT ON COLUMN ingest_files.registered_at IS 'When the stream registered it.';
COMMENT ON COLUMN ingest_files.committed_at IS 'Commit of the micro-batch that completed the file; its rows are visible from then on.';
COMMENT ON COLUMN ingest_files.rows_expected IS 'Records that intake counted; the header and blank lines are none.';
COMMENT ON COLUMN ingest_files.rows_read IS 'Records read: inserted, duplicate and rejected ones.';
COMMENT ON COLUMN ingest_files.rows_inserted IS 'Of these, stored in events.';
COMMENT ON COLUMN ingest_files.rows_duplicate IS 'Of these, of events that were stored before.';
COMMENT ON COLUMN ingest_files.rows_rejected IS 'Of these, stored in rejected_events.';
COMMENT ON COLUMN ingest_files.chunks_open IS 'Chunks that are not committed yet.';
COMMENT ON COLUMN ingest_files.layout_id IS 'The header (ingest_layouts); null where none was found.';
COMMENT ON COLUMN ingest_files.compression IS 'gzip, zstd, or null.';
COMMENT ON COLUMN ingest_files.duplicate_of IS 'The delivery (file_id) whose content this repeats; else null.';
COMMENT ON COLUMN ingest_files.inode IS 'Inode of the file. With modified_ns, changed_ns and size_bytes it says which state of the path this row is about.';
COMMENT ON COLUMN ingest_files.modified_ns IS 'Modification time in nanoseconds since 1970.';
COMMENT ON COLUMN ingest_files.changed_ns IS 'Change time of the inode in nanoseconds since 1970.';
COMMENT ON COLUMN ingest_files.archived_at IS 'When maintenance moved or deleted the file on disk; else null.';
COMMENT ON COLUMN ingest_files.rows_dropped IS 'Of rows_inserted: dropped from events by retention.';
COMMENT ON COLUMN ingest_files.header_bytes IS 'Bytes of the (decompressed) content before the first record.';
COMMENT ON COLUMN ingest_files.mapping_id IS 'The source mapping that it is read by (ingest_mappings); null where it is from before an upgrade.';
COMMENT ON COLUMN ingest_files.source IS 'The source that it came from (ingest_sources); default: the events directory.';
COMMENT ON COLUMN ingest_files.released_at IS 'When somebody released it, or dropped it, after it was held back; else null.';

CREATE TABLE IF NOT EXISTS ingest_sources (
    source         text PRIMARY KEY,
    directory      text NOT NULL,
    owner          text,
    settings       jsonb NOT NULL,
    in_force_since timestamptz NOT NULL DEFAULT now(),
    problem        text,
    problem_since  timestamptz,
    fault          text,
    removed_at     timestamptz
);
COMMENT ON TABLE ingest_sources IS 'The sources as the stream reads them: what of sources.toml is in force. Without such a file it has no rows of use.';
COMMENT ON COLUMN ingest_sources.source IS 'Name of the source.';
COMMENT ON COLUMN ingest_sources.directory IS 'Its directory.';
COMMENT ON COLUMN ingest_sources.owner IS 'Who to ask, as sources.toml says.';
COMMENT ON COLUMN ingest_sources.settings IS 'Its rules.';
COMMENT ON COLUMN ingest_sources.in_force_since IS 'When the stream began to go by these.';
COMMENT ON COLUMN ingest_sources.problem IS 'Why its files are not being taken at present, such as a directory that does not answer; else null.';
COMMENT ON COLUMN ingest_sources.problem_since IS 'Since when.';
COMMENT ON COLUMN ingest_sources.fault IS 'Why a newer version of sources.toml is not in force; else null.';
COMMENT ON COLUMN ingest_sources.removed_at IS 'When it was taken out of sources.toml; else null.';

CREATE TABLE IF NOT EXISTS ingest_source_layouts (
    source        text NOT NULL,
    layout_id     integer NOT NULL REFERENCES ingest_layouts,
    first_seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source, layout_id)
);
COMMENT ON TABLE ingest_source_layouts IS 'The headers that each source''s files came with: a file with other columns has drifted.';
COMMENT ON COLUMN ingest_source_layouts.source IS 'Name of the source.';
COMMENT ON COLUMN ingest_source_layouts.layout_id IS 'The header (ingest_layouts).';
COMMENT ON COLUMN ingest_source_layouts.first_seen_at IS 'When a file of the source was first registered with it.';

CREATE TABLE IF NOT EXISTS ingest_objects (
    object_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source      text NOT NULL,
    bucket      text NOT NULL,
    object_key  text NOT NULL,
    etag        text NOT NULL,
    modified_at timestamptz NOT NULL,
    size_bytes  bigint NOT NULL,
    path        text NOT NULL,
    version_id  text,
    status      text NOT NULL DEFAULT 'listed' CHECK (status IN ('listed', 'fetched', 'done', 'gone', 'replaced')),
    outcome     text,
    detail      text,
    failures    integer NOT NULL DEFAULT 0,
    try_after   timestamptz,
    listed_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    fetched_at  timestamptz,
    finished_at timestamptz,
    inode       bigint,
    modified_ns bigint,
    file_id     bigint,
    UNIQUE (source, bucket, object_key, etag, modified_at)
);
CREATE INDEX IF NOT EXISTS ingest_objects_open ON ingest_objects (source, modified_at, object_key)
    WHERE status IN ('listed', 'fetched');
CREATE INDEX IF NOT EXISTS ingest_objects_file_id ON ingest_objects (file_id);
COMMENT ON TABLE ingest_objects IS 'The objects of sources in object stores: one row per state of an object that was seen in a bucket. A replaced object is another row.';
COMMENT ON COLUMN ingest_objects.object_id IS 'Number of the row, growing.';
COMMENT ON COLUMN ingest_objects.source IS 'Name of the source.';
COMMENT ON COLUMN ingest_objects.bucket IS 'The bucket, as URL.';
COMMENT ON COLUMN ingest_objects.object_key IS 'Key of the object in the bucket.';
COMMENT ON COLUMN ingest_objects.etag IS 'The store''s mark of its content.';
COMMENT ON COLUMN ingest_objects.modified_at IS 'When it was written, by the store.';
COMMENT ON COLUMN ingest_objects.size_bytes IS 'Its size.';
COMMENT ON COLUMN ingest_objects.path IS 'Path of its file, as in ingest_files: the key without the prefix of the source.';
COMMENT ON COLUMN ingest_objects.version_id IS 'Its version, where the bucket keeps versions; else null.';
COMMENT ON COLUMN ingest_objects.status IS 'listed: seen, and to be fetched. fetched: its file is on the disk of the stream (see file_id). done: its file is decided about (see outcome), and no longer on that disk. gone: it was deleted before it was fetched. replaced: another state took its place before it was fetched.';
COMMENT ON COLUMN ingest_objects.outcome IS 'The status of its file when it was done: committed, duplicate, rejected or dropped; else null.';
COMMENT ON COLUMN ingest_objects.detail IS 'Why it could not be fetched, tagged or moved, at the last try; else null.';
COMMENT ON COLUMN ingest_objects.failures IS 'Tries in a row that failed for a reason of this object.';
COMMENT ON COLUMN ingest_objects.try_after IS 'When it is tried again after such a failure; null: at once.';
COMMENT ON COLUMN ingest_objects.listed_at IS 'When it was first seen in the bucket.';
COMMENT ON COLUMN ingest_objects.fetched_at IS 'When its file was complete on the disk of the stream.';
COMMENT ON COLUMN ingest_objects.finished_at IS 'When it was done, gone or replaced.';
COMMENT ON COLUMN ingest_objects.inode IS 'Inode of its file on the disk of the stream.';
COMMENT ON COLUMN ingest_objects.modified_ns IS 'Modification time of that file in nanoseconds since 1970.';
COMMENT ON COLUMN ingest_objects.file_id IS 'Its file (ingest_files), once that is registered.';

CREATE TABLE IF NOT EXISTS ingest_listings (
    source      text NOT NULL,
    bucket      text NOT NULL,
    after_key   text,
    highest_key text,
    objects     bigint NOT NULL DEFAULT 0,
    complete_at timestamptz,
    PRIMARY KEY (source, bucket)
);
COMMENT ON TABLE ingest_listings IS 'How far the listing of each bucket is, so that it goes on from there.';
COMMENT ON COLUMN ingest_listings.source IS 'Name of the source.';
COMMENT ON COLUMN ingest_listings.bucket IS 'The bucket, as URL.';
COMMENT ON COLUMN ingest_listings.after_key IS 'The key up to which the running pass has listed; null: none is running.';
COMMENT ON COLUMN ingest_listings.highest_key IS 'The last key, in their order, that was ever seen.';
COMMENT ON COLUMN ingest_listings.objects IS 'How many objects the last complete pass saw.';
COMMENT ON COLUMN ingest_listings.complete_at IS 'When a pass over all keys was last complete; null: never yet.';

-- In steps that leave gaps: a source that gets its turn early is put into one (spark/source/turns.py).
CREATE SEQUENCE IF NOT EXISTS ingest_chunks_seq AS bigint INCREMENT BY 1000000;
CREATE TABLE IF NOT EXISTS ingest_chunks (
    seq         bigint PRIMARY KEY DEFAULT nextval('ingest_chunks_seq'),
    file_id     bigint NOT NULL REFERENCES ingest_files,
    byte_offset bigint NOT NULL,
    byte_length bigint NOT NULL,
    first_line  bigint NOT NULL,
    records     bigint NOT NULL,
    disk_bytes  bigint NOT NULL,
    content_hash bytea,
    source      text NOT NULL DEFAULT 'default'
);
CREATE INDEX IF NOT EXISTS ingest_chunks_by_source ON ingest_chunks (source, seq);
COMMENT ON TABLE ingest_chunks IS 'The work queue of the stream: record-aligned pieces of registered files. The transaction that commits a piece deletes its row.';
COMMENT ON COLUMN ingest_chunks.seq IS 'Number of the piece, growing: the offset of the Spark source. Where sources take turns, a piece may get an earlier one.';
COMMENT ON COLUMN ingest_chunks.file_id IS 'The file (ingest_files).';
COMMENT ON COLUMN ingest_chunks.byte_offset IS 'Where it begins in the (decompressed) content.';
COMMENT ON COLUMN ingest_chunks.byte_length IS 'Its length.';
COMMENT ON COLUMN ingest_chunks.first_line IS 'Line number of its first byte; the header is line 1.';
COMMENT ON COLUMN ingest_chunks.records IS 'Records that intake counted; the header and blank lines are none.';
COMMENT ON COLUMN ingest_chunks.disk_bytes IS 'Bytes to be read from disk for it.';
COMMENT ON COLUMN ingest_chunks.source IS 'That of the file.';
COMMENT ON COLUMN ingest_chunks.content_hash IS 'SHA-256 of the header''s bytes and these; null where it is from before an upgrade.';

CREATE TABLE IF NOT EXISTS ingest_batches (
    batch_id       bigint PRIMARY KEY,
    query_id       text NOT NULL,
    spark_batch_id bigint NOT NULL,
    epoch          bigint NOT NULL,
    sink           text NOT NULL,
    first_seq      bigint NOT NULL,
    last_seq       bigint NOT NULL,
    files          integer NOT NULL,
    started_at     timestamptz NOT NULL,
    committed_at   timestamptz NOT NULL,
    rows_read      bigint NOT NULL,
    rows_inserted  bigint NOT NULL,
    rows_duplicate bigint NOT NULL,
    rows_rejected  bigint NOT NULL,
    rows_conflict  bigint NOT NULL DEFAULT 0,
    total_rows_read      bigint NOT NULL,
    total_rows_inserted  bigint NOT NULL,
    total_rows_duplicate bigint NOT NULL,
    total_rows_rejected  bigint NOT NULL,
    min_event_time timestamptz,
    max_event_time timestamptz,
    parse_seconds  double precision NOT NULL,
    merge_seconds  double precision NOT NULL,
    rows_dropped   bigint NOT NULL DEFAULT 0,
    UNIQUE (query_id, spark_batch_id),
    CHECK (rows_read = rows_inserted + rows_duplicate + rows_rejected)
);
CREATE INDEX IF NOT EXISTS ingest_batches_committed_at ON ingest_batches (committed_at);
CREATE INDEX IF NOT EXISTS ingest_batches_max_event_time ON ingest_batches (max_event_time);  -- the newest event
COMMENT ON TABLE ingest_batches IS 'One row per committed micro-batch.';
COMMENT ON COLUMN ingest_batches.batch_id IS 'Number of the micro-batch. Given by the committing transaction, under the lease: it has no gaps, and its order is the order of the commits.';
COMMENT ON COLUMN ingest_batches.query_id IS 'Spark''s id of the query; its batch numbers start again with a new checkpoint.';
COMMENT ON COLUMN ingest_batches.spark_batch_id IS 'Spark''s number of the micro-batch within the query.';
COMMENT ON COLUMN ingest_batches.epoch IS 'Epoch of the lease that committed it (stream_lease).';
COMMENT ON COLUMN ingest_batches.sink IS 'copy or jdbc.';
COMMENT ON COLUMN ingest_batches.first_seq IS 'First chunk (ingest_chunks.seq).';
COMMENT ON COLUMN ingest_batches.last_seq IS 'Last chunk.';
COMMENT ON COLUMN ingest_batches.files IS 'Files touched, whole or in part.';
COMMENT ON COLUMN ingest_batches.started_at IS 'When Spark began it.';
COMMENT ON COLUMN ingest_batches.committed_at IS 'When its rows became visible.';
COMMENT ON COLUMN ingest_batches.rows_read IS 'Records read: inserted, duplicate and rejected ones.';
COMMENT ON COLUMN ingest_batches.rows_inserted IS 'Of these, stored in events.';
COMMENT ON COLUMN ingest_batches.rows_duplicate IS 'Of these, of events that were stored before.';
COMMENT ON COLUMN ingest_batches.rows_rejected IS 'Of these, stored in rejected_events.';
COMMENT ON COLUMN ingest_batches.rows_conflict IS 'Of the duplicates: same id and time as a stored event, other content (event_conflicts).';
COMMENT ON COLUMN ingest_batches.total_rows_read IS 'Running total over all batches, this one included.';
COMMENT ON COLUMN ingest_batches.total_rows_inserted IS 'Running total of rows_inserted.';
COMMENT ON COLUMN ingest_batches.total_rows_duplicate IS 'Running total of rows_duplicate.';
COMMENT ON COLUMN ingest_batches.total_rows_rejected IS 'Running total of rows_rejected.';
COMMENT ON COLUMN ingest_batches.min_event_time IS 'Earliest event_time of the good rows read; null without any.';
COMMENT ON COLUMN ingest_batches.max_event_time IS 'Latest event_time of the good rows read; null without any.';
COMMENT ON COLUMN ingest_batches.parse_seconds IS 'Seconds of Spark: read, clean, hand over.';
COMMENT ON COLUMN ingest_batches.merge_seconds IS 'Seconds of PostgreSQL: rows into events and the ledger.';
COMMENT ON COLUMN ingest_batches.rows_dropped IS 'Of rows_inserted: dropped from events by retention.';

-- Kept by the transactions that write those tables.
CREATE TABLE IF NOT EXISTS ledger_totals (
    of_table text PRIMARY KEY CHECK (of_table IN ('ingest_files', 'ingest_batches')),
    rows     bigint,
    ids      numeric
);
INSERT INTO ledger_totals (of_table) VALUES ('ingest_files'), ('ingest_batches') ON CONFLICT DO NOTHING;
COMMENT ON TABLE ledger_totals IS 'How many rows the tables of the ledger were ever given, and the sum of their ids: the audit notices by it what was deleted.';
COMMENT ON COLUMN ledger_totals.of_table IS 'ingest_files or ingest_batches.';
COMMENT ON COLUMN ledger_totals.rows IS 'Rows ever given; null until a stream counts for the first time.';
COMMENT ON COLUMN ledger_totals.ids IS 'Sum of their ids; null until then.';

CREATE TABLE IF NOT EXISTS dropped_partitions (
    partition  text PRIMARY KEY,
    from_time  timestamptz NOT NULL,
    to_time    timestamptz NOT NULL,
    rows       bigint NOT NULL,
    dropped_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE dropped_partitions IS 'The partitions of events that retention dropped. Older events are not taken in again.';
COMMENT ON COLUMN dropped_partitions.partition IS 'Name of the partition.';
COMMENT ON COLUMN dropped_partitions.from_time IS 'First event_time that it could hold.';
COMMENT ON COLUMN dropped_partitions.to_time IS 'Where the next partition begins.';
COMMENT ON COLUMN dropped_partitions.rows IS 'Events dropped with it.';
COMMENT ON COLUMN dropped_partitions.dropped_at IS 'When it was dropped.';

-- Every transaction of a stream locks its epoch FOR KEY SHARE, so that a writer
-- that lost the lease cannot commit; the unique key makes taking over wait for such a transaction,
-- while heartbeats (no key column) do not.
CREATE TABLE IF NOT EXISTS stream_lease (
    only_row         boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    epoch            bigint NOT NULL UNIQUE,
    mode             text CHECK (mode IN ('continuous', 'catch-up', 'replay')),  -- no stream writes replay
    dagster_run_id   text,
    pid              integer,
    host             text,
    spark_ui_url     text,
    started_at       timestamptz,
    heartbeat_at     timestamptz,
    last_progress_at timestamptz,
    released_at      timestamptz,
    wanted           text NOT NULL DEFAULT 'running' CHECK (wanted IN ('running', 'stopped')),
    failures         integer NOT NULL DEFAULT 0,
    next_attempt_at  timestamptz,
    last_reason      text,
    wanted_at        timestamptz,
    launched_at      timestamptz,
    supervised_at    timestamptz
);
INSERT INTO stream_lease (epoch) SELECT 0 WHERE NOT EXISTS (SELECT FROM stream_lease);
COMMENT ON TABLE stream_lease IS 'Who streams, and what is wanted. One row.';
COMMENT ON COLUMN stream_lease.only_row IS 'Always true.';
COMMENT ON COLUMN stream_lease.epoch IS 'Number of the holder, growing by one with each.';
COMMENT ON COLUMN stream_lease.mode IS 'How it streams: continuous or catch-up; null before the first stream.';
COMMENT ON COLUMN stream_lease.dagster_run_id IS 'Dagster run of the stream; null where it was started from a shell.';
COMMENT ON COLUMN stream_lease.pid IS 'Process of the driver.';
COMMENT ON COLUMN stream_lease.host IS 'Machine of the driver.';
COMMENT ON COLUMN stream_lease.spark_ui_url IS 'Where Spark shows it.';
COMMENT ON COLUMN stream_lease.started_at IS 'When the lease was taken.';
COMMENT ON COLUMN stream_lease.heartbeat_at IS 'Last sign of life.';
COMMENT ON COLUMN stream_lease.last_progress_at IS 'Last commit, or last look that found nothing to do.';
COMMENT ON COLUMN stream_lease.released_at IS 'Set by a clean end; null while the lease is held and after a crash.';
COMMENT ON COLUMN stream_lease.wanted IS 'running, or stopped where someone stopped the stream on purpose.';
COMMENT ON COLUMN stream_lease.failures IS 'Failed supervised starts in a row.';
COMMENT ON COLUMN stream_lease.next_attempt_at IS 'The supervisor starts no stream before this.';
COMMENT ON COLUMN stream_lease.last_reason IS 'Why the last stream ended, or was ended.';
COMMENT ON COLUMN stream_lease.wanted_at IS 'When someone last said what is wanted.';
COMMENT ON COLUMN stream_lease.launched_at IS 'When the supervisor last launched a run of the stream.';
COMMENT ON COLUMN stream_lease.supervised_at IS 'When the supervisor last looked.';

CREATE TABLE IF NOT EXISTS lineage_sent (
    subject          text PRIMARY KEY,
    through_batch_id bigint NOT NULL,
    done_at          timestamptz,
    events           bigint NOT NULL DEFAULT 0,
    refused          bigint NOT NULL DEFAULT 0,
    sent_at          timestamptz,
    failures         integer NOT NULL DEFAULT 0,
    next_attempt_at  timestamptz,
    last_error       text
);
COMMENT ON TABLE lineage_sent IS 'What a data catalogue was told by OpenLineage. Empty where none is named (CLICKSTREAM_OPENLINEAGE_URL).';
COMMENT ON COLUMN lineage_sent.subject IS 'events, for the micro-batches, or a summary.';
COMMENT ON COLUMN lineage_sent.through_batch_id IS 'Last micro-batch that the catalogue was told of.';
COMMENT ON COLUMN lineage_sent.done_at IS 'Of a summary: the refresh or rebuild that the catalogue was told of last.';
COMMENT ON COLUMN lineage_sent.events IS 'Events that it took.';
COMMENT ON COLUMN lineage_sent.refused IS 'Events that it refused for good; they were passed over.';
COMMENT ON COLUMN lineage_sent.sent_at IS 'When it was last told.';
COMMENT ON COLUMN lineage_sent.failures IS 'Attempts in a row at which it was away.';
COMMENT ON COLUMN lineage_sent.next_attempt_at IS 'Not before this is it tried again; null where nothing failed.';
COMMENT ON COLUMN lineage_sent.last_error IS 'What went wrong last.';

-- What a stream locks while it lives, in a transaction of its own: the lock is free the moment its session is gone, and
-- takes the right to UPDATE, where everybody may take an advisory lock. It has no rows. A view, for VACUUM would wait
-- for the lock of a table; and not replaced where it is there, for that would wait for a running stream.
DO $$
BEGIN
    IF to_regclass('public.stream_lock') IS NULL THEN
        CREATE VIEW stream_lock AS SELECT NULL::integer AS nothing WHERE false;
        COMMENT ON VIEW stream_lock IS 'What a stream locks while it lives. It has no rows.';
    END IF;
END
$$;

-- 3. Events, rejects, conflicts -------------------------------------------------------------------

-- The one writer takes many at a time, so ids rise with gaps.
CREATE SEQUENCE IF NOT EXISTS events_id_seq AS bigint CACHE 1000;

-- The unique key must hold the partition key.
CREATE TABLE IF NOT EXISTS events (
    id          bigint NOT NULL DEFAULT nextval('events_id_seq'),
    event_id    uuid NOT NULL,
    user_id     text,
    session_id  text,
    action_type text NOT NULL,
    product_id  text,
    event_time  timestamptz NOT NULL,
    price       numeric CHECK (price >= 0),
    user_agent  text,
    extra       jsonb,
    batch_id    bigint NOT NULL,
    file_id     bigint NOT NULL,
    line_no     bigint NOT NULL,
    ingested_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, event_time),
    UNIQUE (event_id, event_time)
) PARTITION BY RANGE (event_time);
ALTER SEQUENCE events_id_seq OWNED BY events.id;
-- Rows arrive in the order of their batch and file: a block-range index finds them at almost no cost.
CREATE INDEX IF NOT EXISTS events_batch_file ON events USING brin (batch_id, file_id)
    WITH (pages_per_range = 16, autosummarize = on);
COMMENT ON TABLE events IS 'Every event exactly once, clean and typed. An event is the same when event_id and event_time agree. Partitioned by event_time, by month (UTC).';
COMMENT ON COLUMN events.id IS 'Number of the row, growing, with gaps.';
COMMENT ON COLUMN events.event_id IS 'Identity of the event. Made from its values where the file has none, and from the text of an id that is no UUID.';
COMMENT ON COLUMN events.user_id IS 'The visitor. Null where the source mapping lets rows lack it.';
COMMENT ON COLUMN events.session_id IS 'The visit. Null where the producer has no visits, and the source mapping says so.';
COMMENT ON COLUMN events.action_type IS 'view, add_to_cart, remove_from_cart or purchase; or another action, under the name that the source mapping declares.';
COMMENT ON COLUMN events.product_id IS 'The product. Null where another action is about none, or the source mapping lets rows lack it.';
COMMENT ON COLUMN events.event_time IS 'When it happened. Partition key.';
COMMENT ON COLUMN events.price IS 'Price, where the producer gives one.';
COMMENT ON COLUMN events.user_agent IS 'The browser, as it named itself.';
COMMENT ON COLUMN events.extra IS 'Columns of the file that are not ours, by name.';
COMMENT ON COLUMN events.batch_id IS 'The micro-batch that stored it (ingest_batches).';
COMMENT ON COLUMN events.file_id IS 'The file that it came in (ingest_files).';
COMMENT ON COLUMN events.line_no IS 'Line of the file where its record begins; the header is line 1.';
COMMENT ON COLUMN events.ingested_at IS 'When it was stored.';

CREATE TABLE IF NOT EXISTS rejected_events (
    reject_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    file_id     bigint NOT NULL REFERENCES ingest_files,
    line_no     bigint NOT NULL,
    byte_offset bigint NOT NULL,
    byte_length bigint NOT NULL,
    raw         bytea NOT NULL,
    reason      text NOT NULL,
    detail      text,
    batch_id    bigint NOT NULL,
    rejected_at timestamptz NOT NULL DEFAULT now(),
    replayed_at timestamptz,
    UNIQUE (file_id, line_no)
);
CREATE INDEX IF NOT EXISTS rejected_events_batch ON rejected_events (batch_id);
CREATE INDEX IF NOT EXISTS rejected_events_rejected_at ON rejected_events (rejected_at);
COMMENT ON TABLE rejected_events IS 'Rows that could not be read as events, each with its original bytes and the reason.';
COMMENT ON COLUMN rejected_events.reject_id IS 'Number of the row, growing.';
COMMENT ON COLUMN rejected_events.file_id IS 'The file that it came in (ingest_files).';
COMMENT ON COLUMN rejected_events.line_no IS 'Line of the file where the record begins; the header is line 1.';
COMMENT ON COLUMN rejected_events.byte_offset IS 'Where the record begins in the (decompressed) file.';
COMMENT ON COLUMN rejected_events.byte_length IS 'Its length, line end included.';
COMMENT ON COLUMN rejected_events.raw IS 'The record as it was without its line end, its first 64 KiB.';
COMMENT ON COLUMN rejected_events.reason IS 'Why it was rejected: a short stable code. spark/cleaning/rules.py lists them.';
COMMENT ON COLUMN rejected_events.detail IS 'More about it.';
COMMENT ON COLUMN rejected_events.batch_id IS 'The micro-batch that rejected it (ingest_batches).';
COMMENT ON COLUMN rejected_events.rejected_at IS 'When it was rejected.';
COMMENT ON COLUMN rejected_events.replayed_at IS 'When it was sent back in; else null.';

CREATE TABLE IF NOT EXISTS event_conflicts (
    file_id     bigint NOT NULL REFERENCES ingest_files,
    line_no     bigint NOT NULL,
    event_id    uuid NOT NULL,
    event_time  timestamptz NOT NULL,
    content     jsonb NOT NULL,
    batch_id    bigint NOT NULL,
    detected_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (file_id, line_no)
);
CREATE INDEX IF NOT EXISTS event_conflicts_batch ON event_conflicts (batch_id);
COMMENT ON TABLE event_conflicts IS 'Rows with the id and time of a stored event but other content: counted as duplicate, kept here.';
COMMENT ON COLUMN event_conflicts.file_id IS 'The file that the row came in (ingest_files).';
COMMENT ON COLUMN event_conflicts.line_no IS 'Line of the file where its record begins.';
COMMENT ON COLUMN event_conflicts.event_id IS 'Identity that it shares with the stored event.';
COMMENT ON COLUMN event_conflicts.event_time IS 'Time that it shares with the stored event.';
COMMENT ON COLUMN event_conflicts.content IS 'The row that was not stored.';
COMMENT ON COLUMN event_conflicts.batch_id IS 'The micro-batch that found it (ingest_batches).';
COMMENT ON COLUMN event_conflicts.detected_at IS 'When it was found.';

CREATE TABLE IF NOT EXISTS reused_event_ids (
    event_id   uuid NOT NULL,
    event_time timestamptz NOT NULL,
    other_time timestamptz NOT NULL,
    batch_id   bigint NOT NULL,
    file_id    bigint NOT NULL,
    line_no    bigint NOT NULL,
    found_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (event_id, event_time)
);
CREATE INDEX IF NOT EXISTS reused_event_ids_found_at ON reused_event_ids (found_at);
COMMENT ON TABLE reused_event_ids IS 'Events whose id an earlier event has at another time; both are stored. Maintenance finds them. The first few of a look are named here, all are counted in maintenance_state.';
COMMENT ON COLUMN reused_event_ids.event_id IS 'The id.';
COMMENT ON COLUMN reused_event_ids.event_time IS 'Time of the event that was stored later.';
COMMENT ON COLUMN reused_event_ids.other_time IS 'Time of the event that was stored earlier.';
COMMENT ON COLUMN reused_event_ids.batch_id IS 'The micro-batch of the later one (ingest_batches).';
COMMENT ON COLUMN reused_event_ids.file_id IS 'The file of the later one (ingest_files).';
COMMENT ON COLUMN reused_event_ids.line_no IS 'Its line there.';
COMMENT ON COLUMN reused_event_ids.found_at IS 'When maintenance found it.';

CREATE TABLE IF NOT EXISTS maintenance_state (
    only_row             boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    ids_through_batch_id bigint NOT NULL DEFAULT 0,
    ids_reused           bigint NOT NULL DEFAULT 0,
    ids_looked_at        timestamptz
);
INSERT INTO maintenance_state (only_row) VALUES (true) ON CONFLICT DO NOTHING;
COMMENT ON TABLE maintenance_state IS 'What maintenance has to remember. One row.';
COMMENT ON COLUMN maintenance_state.only_row IS 'Always true.';
COMMENT ON COLUMN maintenance_state.ids_through_batch_id IS 'The events up to this batch were looked at for reused ids.';
COMMENT ON COLUMN maintenance_state.ids_reused IS 'Events found so.';
COMMENT ON COLUMN maintenance_state.ids_looked_at IS 'When they were last looked at.';

-- 4. Partitions -----------------------------------------------------------------------------------

-- Creates the monthly partitions (UTC) that are missing among the given months, but none that retention
-- dropped. Runs as the owner, so that the writer needs no right to create tables. Attaching takes a lock
-- that lets readers go on; CREATE TABLE … PARTITION OF would shut them out.
CREATE OR REPLACE FUNCTION ensure_event_partitions(months date[]) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    month   date;
    name    text;
    created integer := 0;
BEGIN
    FOR month IN SELECT DISTINCT date_trunc('month', m)::date FROM unnest(months) AS m ORDER BY 1 LOOP
        name := 'events_' || to_char(month, '"y"YYYY"m"MM');
        CONTINUE WHEN to_regclass(format('public.%I', name)) IS NOT NULL;
        -- One at a time; as ATTACH does, and not an advisory lock, which everybody may hold.
        LOCK TABLE ONLY public.events IN SHARE UPDATE EXCLUSIVE MODE;
        CONTINUE WHEN to_regclass(format('public.%I', name)) IS NOT NULL;
        IF EXISTS (SELECT FROM public.dropped_partitions WHERE to_time > month::timestamp AT TIME ZONE 'UTC') THEN
            RAISE EXCEPTION 'the events of % were dropped by retention and are not taken in again', to_char(month, 'YYYY-MM');
        END IF;
        EXECUTE format('CREATE TABLE public.%I (LIKE public.events INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
        EXECUTE format('ALTER TABLE public.events ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)', name,
                       month::text || ' 00:00:00+00', (month + interval '1 month')::date::text || ' 00:00:00+00');
        created := created + 1;
    END LOOP;
    RETURN created;
END
$$;
REVOKE ALL ON FUNCTION ensure_event_partitions(date[]) FROM PUBLIC;

-- Drops the oldest partition that lies wholly before the given time, and writes down how many rows of which
-- file and batch went with it, in one transaction. No row: there is none. For the owner alone.
-- Fails with object_not_in_prerequisite_state where a summary has not recorded a batch with rows in it: a batch may
-- commit at any moment, so what was refreshed before does not count, only what is recorded now.
--
-- The records of the summaries are locked first, as a refresh and a rebuild do. Counting shuts out writers of that
-- partition, and they are none; the lock that shuts out everybody is taken after it. Give it a lock_timeout: while
-- it waits for a long query, all others wait behind it.
CREATE OR REPLACE FUNCTION drop_oldest_event_partition(before timestamptz) RETURNS SETOF dropped_partitions
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    oldest  record;
    total   bigint;
    newest  bigint;
    behind  record;
BEGIN
    SELECT c.relname AS name, split_part(bound, '''', 2)::timestamptz AS from_time,
           split_part(bound, '''', 4)::timestamptz AS to_time
      INTO oldest
      FROM pg_inherits JOIN pg_class AS c ON c.oid = inhrelid, LATERAL pg_get_expr(c.relpartbound, c.oid) AS bound
     WHERE inhparent = 'public.events'::regclass AND bound LIKE 'FOR VALUES FROM (''%'') TO (''%'')'
     ORDER BY 2 LIMIT 1;
    IF oldest IS NULL OR oldest.to_time > before THEN
        RETURN;
    END IF;
    PERFORM FROM public.summary_state FOR SHARE;
    EXECUTE format('LOCK TABLE public.%I IN SHARE MODE', oldest.name);
    EXECUTE format('CREATE TEMP TABLE dropping ON COMMIT DROP AS '
                   'SELECT file_id, batch_id, count(*) AS rows FROM public.%I GROUP BY file_id, batch_id', oldest.name);
    SELECT coalesce(sum(rows), 0), max(batch_id) INTO total, newest FROM pg_temp.dropping;
    SELECT summary, through_batch_id INTO behind FROM public.summary_state ORDER BY through_batch_id LIMIT 1;
    IF newest > behind.through_batch_id THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = format(
            'the summary %s has taken in batch %s, and %s holds events of batch %s',
            behind.summary, behind.through_batch_id, oldest.name, newest);
    END IF;
    LOCK TABLE ONLY public.events IN ACCESS EXCLUSIVE MODE;
    UPDATE public.ingest_files AS f SET rows_dropped = f.rows_dropped + d.rows
      FROM (SELECT file_id, sum(rows)::bigint AS rows FROM pg_temp.dropping GROUP BY file_id) AS d
     WHERE f.file_id = d.file_id;
    UPDATE public.ingest_batches AS b SET rows_dropped = b.rows_dropped + d.rows
      FROM (SELECT batch_id, sum(rows)::bigint AS rows FROM pg_temp.dropping GROUP BY batch_id) AS d
     WHERE b.batch_id = d.batch_id;
    DROP TABLE pg_temp.dropping;
    EXECUTE format('ALTER TABLE public.events DETACH PARTITION public.%I', oldest.name);
    EXECUTE format('DROP TABLE public.%I', oldest.name);
    RETURN QUERY INSERT INTO public.dropped_partitions (partition, from_time, to_time, rows)
                 VALUES (oldest.name, oldest.from_time, oldest.to_time, total) RETURNING *;
END
$$;
REVOKE ALL ON FUNCTION drop_oldest_event_partition(timestamptz) FROM PUBLIC;

-- 5. Summaries ------------------------------------------------------------------------------------
-- Filled by clickstream_assets/summaries/refresh.py with sql/summaries/*.sql. Days and hours are UTC; an event
-- without a price counts as 0 in a revenue; a rate over nothing is null.

CREATE TABLE IF NOT EXISTS summary_state (
    summary           text PRIMARY KEY,
    through_batch_id  bigint NOT NULL DEFAULT 0,
    last_event_id     bigint NOT NULL DEFAULT 0,
    generation        bigint NOT NULL DEFAULT 0,
    source_generation bigint NOT NULL DEFAULT 0,
    row_count         bigint NOT NULL DEFAULT 0,
    refreshed_at      timestamptz,
    rebuilt_at        timestamptz
);
INSERT INTO summary_state (summary)
SELECT unnest(ARRAY['user_agents', 'sessions', 'product_performance', 'hourly_traffic',
                    'conversion_funnel', 'device_usage'])
ON CONFLICT DO NOTHING;
COMMENT ON TABLE summary_state IS 'What each summary has recorded. A refresh locks its row and writes it in one transaction with what it changed, so that a batch counts exactly once.';
COMMENT ON COLUMN summary_state.summary IS 'Name of the summary''s table.';
COMMENT ON COLUMN summary_state.through_batch_id IS 'Every batch up to here is in the table, none after it.';
COMMENT ON COLUMN summary_state.last_event_id IS 'Highest events.id in it: a refresh looks for new rows after it first.';
COMMENT ON COLUMN summary_state.generation IS 'Grows when rows were recomputed without a note in session_changes.';
COMMENT ON COLUMN summary_state.source_generation IS 'The generation of sessions that the table follows (funnel, devices).';
COMMENT ON COLUMN summary_state.row_count IS 'Rows of the table, kept exactly: counting them would grow with history.';
COMMENT ON COLUMN summary_state.refreshed_at IS 'When it last took batches in.';
COMMENT ON COLUMN summary_state.rebuilt_at IS 'When it was last recomputed whole.';

-- A text as the key of a summary row: as it is, but cut and told apart by its hash where it is too long
-- for an index entry (2.7 KB at most). STABLE and one expression, so that it is inlined.
CREATE OR REPLACE FUNCTION summary_key(value text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN octet_length(value) <= 1000 THEN value
                ELSE left(value, 150) || '…' || encode(sha256(convert_to(value, 'UTF8')), 'hex') END
$$;

-- The events of the batches after `through` up to `target`. With `after_id` they are read by the primary key from
-- there on, else by the block-range index on batch_id. Batches are inserted one after the other, so the newest have
-- the highest ids, and reading these costs the same however long the history is; a block-range index is read whole
-- (`batch_id + 0` keeps the planner from adding it). Who gives an after_id checks the number of rows against the
-- ledger. One SELECT, so that it is inlined.
CREATE OR REPLACE FUNCTION events_of_batches(after_id bigint, through bigint, target bigint) RETURNS SETOF events
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT *
    FROM events
    WHERE id > after_id
      AND batch_id + 0 > through AND batch_id + 0 <= target
      AND (after_id > 0 OR (batch_id > through AND batch_id <= target))
$$;

CREATE TABLE IF NOT EXISTS user_agents (
    user_agent_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_agent    text NOT NULL UNIQUE,
    device        text NOT NULL,
    model         text NOT NULL,
    system        text NOT NULL,
    browser       text NOT NULL,
    first_seen_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS sessions (
    session_id     text PRIMARY KEY,
    user_id        text,
    started_at     timestamptz NOT NULL,
    ended_at       timestamptz NOT NULL,
    duration       interval GENERATED ALWAYS AS (ended_at - started_at) STORED,
    events         bigint NOT NULL CHECK (events > 0),
    views          bigint NOT NULL,
    carts          bigint NOT NULL,
    removes        bigint NOT NULL,
    purchases      bigint NOT NULL,
    revenue        numeric NOT NULL,
    device         text NOT NULL,
    system         text NOT NULL,
    browser        text NOT NULL,
    user_agent_id  integer,
    first_event_id bigint NOT NULL,
    others         bigint NOT NULL DEFAULT 0,
    CHECK (events = views + carts + removes + purchases + others),
    CHECK (started_at <= ended_at)
) WITH (fillfactor = 85); -- a session is updated while it lasts: room for that on its page
CREATE INDEX IF NOT EXISTS sessions_started_at ON sessions (started_at);

CREATE TABLE IF NOT EXISTS session_changes (
    through_batch_id bigint NOT NULL,
    day              date NOT NULL,
    device           text NOT NULL,
    browser          text NOT NULL,
    sessions         bigint NOT NULL,
    viewed           bigint NOT NULL,
    carted           bigint NOT NULL,
    purchased        bigint NOT NULL,
    abandoned        bigint NOT NULL,
    events           bigint NOT NULL,
    revenue          numeric NOT NULL
);
CREATE INDEX IF NOT EXISTS session_changes_through ON session_changes (through_batch_id);
COMMENT ON TABLE session_changes IS 'What each refresh of sessions changed, by day and device: the new state of the touched sessions less the old one. conversion_funnel and device_usage add it up; rows that both have recorded are deleted.';
COMMENT ON COLUMN session_changes.through_batch_id IS 'Last batch of the refresh.';
COMMENT ON COLUMN session_changes.day IS 'Day on which the sessions started, UTC.';
COMMENT ON COLUMN session_changes.device IS 'Their device class (see sessions.device).';
COMMENT ON COLUMN session_changes.browser IS 'Their browser (see sessions.browser).';
COMMENT ON COLUMN session_changes.sessions IS 'Change in the number of sessions.';
COMMENT ON COLUMN session_changes.viewed IS 'Of these, with a view.';
COMMENT ON COLUMN session_changes.carted IS 'Of these, with an addition to the cart.';
COMMENT ON COLUMN session_changes.purchased IS 'Of these, with a purchase.';
COMMENT ON COLUMN session_changes.abandoned IS 'Of these, with an addition to the cart but no purchase.';
COMMENT ON COLUMN session_changes.events IS 'Change in the number of their events.';
COMMENT ON COLUMN session_changes.revenue IS 'Change in their revenue.';

CREATE TABLE IF NOT EXISTS product_performance (
    day           date NOT NULL,
    product_id    text NOT NULL,
    views         bigint NOT NULL,
    carts         bigint NOT NULL,
    removes       bigint NOT NULL,
    purchases     bigint NOT NULL,
    revenue       numeric NOT NULL,
    min_price     numeric,
    max_price     numeric,
    cart_rate     numeric GENERATED ALWAYS AS (round(carts::numeric / nullif(views, 0), 4)) STORED,
    purchase_rate numeric GENERATED ALWAYS AS (round(purchases::numeric / nullif(views, 0), 4)) STORED,
    others        bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (day, product_id)
);

CREATE TABLE IF NOT EXISTS hourly_traffic (
    hour      timestamptz PRIMARY KEY,
    events    bigint NOT NULL,
    views     bigint NOT NULL,
    carts     bigint NOT NULL,
    removes   bigint NOT NULL,
    purchases bigint NOT NULL,
    revenue   numeric NOT NULL,
    others    bigint NOT NULL DEFAULT 0,
    CHECK (events = views + carts + removes + purchases + others)
);

CREATE TABLE IF NOT EXISTS conversion_funnel (
    day              date PRIMARY KEY,
    sessions         bigint NOT NULL CHECK (sessions > 0),
    viewed           bigint NOT NULL CHECK (viewed BETWEEN 0 AND sessions),
    carted           bigint NOT NULL CHECK (carted BETWEEN 0 AND sessions),
    purchased        bigint NOT NULL CHECK (purchased BETWEEN 0 AND sessions),
    abandoned        bigint NOT NULL CHECK (abandoned BETWEEN 0 AND carted),
    revenue          numeric NOT NULL,
    view_rate        numeric GENERATED ALWAYS AS (round(viewed::numeric / nullif(sessions, 0), 4)) STORED,
    cart_rate        numeric GENERATED ALWAYS AS (round(carted::numeric / nullif(sessions, 0), 4)) STORED,
    conversion_rate  numeric GENERATED ALWAYS AS (round(purchased::numeric / nullif(sessions, 0), 4)) STORED,
    abandonment_rate numeric GENERATED ALWAYS AS (round(abandoned::numeric / nullif(carted, 0), 4)) STORED
);

CREATE TABLE IF NOT EXISTS device_usage (
    day             date NOT NULL,
    device          text NOT NULL,
    browser         text NOT NULL,
    sessions        bigint NOT NULL CHECK (sessions > 0),
    purchased       bigint NOT NULL CHECK (purchased BETWEEN 0 AND sessions),
    events          bigint NOT NULL CHECK (events >= sessions),
    revenue         numeric NOT NULL,
    conversion_rate numeric GENERATED ALWAYS AS (round(purchased::numeric / nullif(sessions, 0), 4)) STORED,
    PRIMARY KEY (day, device, browser)
);

COMMENT ON TABLE user_agents IS 'Every distinct user agent string of events, with what ua-parser reads from it.';
COMMENT ON COLUMN user_agents.user_agent_id IS 'Number of the string, stable for ever.';
COMMENT ON COLUMN user_agents.user_agent IS 'The string as it came; over 1,000 bytes its beginning and its SHA-256.';
COMMENT ON COLUMN user_agents.device IS 'Class of the device: desktop, phone, tablet, tv, bot or other.';
COMMENT ON COLUMN user_agents.model IS 'ua-parser''s device family (iPhone, Mac, …); Other where it knows none.';
COMMENT ON COLUMN user_agents.system IS 'ua-parser''s operating system family (Windows, Android, …); Other where it knows none.';
COMMENT ON COLUMN user_agents.browser IS 'ua-parser''s browser family (Chrome, Mobile Safari, …); Other where it knows none.';
COMMENT ON COLUMN user_agents.first_seen_at IS 'When the string was first met by a refresh.';

COMMENT ON TABLE sessions IS 'One row per session_id, over all its events, however late they came and however many days they span. Events without a session are in none.';
COMMENT ON COLUMN sessions.session_id IS 'The producer''s session_id; over 1,000 bytes its beginning and its SHA-256.';
COMMENT ON COLUMN sessions.user_id IS 'User of the first event, also where later events name another; null where it had none.';
COMMENT ON COLUMN sessions.started_at IS 'Time of the first event.';
COMMENT ON COLUMN sessions.ended_at IS 'Time of the last event.';
COMMENT ON COLUMN sessions.duration IS 'From the first event to the last.';
COMMENT ON COLUMN sessions.events IS 'Events of the session.';
COMMENT ON COLUMN sessions.views IS 'Of these, views.';
COMMENT ON COLUMN sessions.carts IS 'Of these, additions to the cart.';
COMMENT ON COLUMN sessions.removes IS 'Of these, removals from the cart.';
COMMENT ON COLUMN sessions.purchases IS 'Of these, purchases.';
COMMENT ON COLUMN sessions.others IS 'Of these, other actions, which a source mapping declares.';
COMMENT ON COLUMN sessions.revenue IS 'Sum of the prices of the purchases; a purchase without a price counts 0.';
COMMENT ON COLUMN sessions.device IS 'Device class of the first event''s user agent; unknown where it had none.';
COMMENT ON COLUMN sessions.system IS 'Operating system of the first event''s user agent; unknown where it had none.';
COMMENT ON COLUMN sessions.browser IS 'Browser of the first event''s user agent; unknown where it had none.';
COMMENT ON COLUMN sessions.user_agent_id IS 'The first event''s user agent, in user_agents; null where it had none.';
COMMENT ON COLUMN sessions.first_event_id IS 'events.id of the first event: the earliest, and among equals the one stored first.';

COMMENT ON TABLE product_performance IS 'One row per day (UTC) and product with events on it. Events without a product are in none.';
COMMENT ON COLUMN product_performance.day IS 'Day of the events, UTC.';
COMMENT ON COLUMN product_performance.product_id IS 'The producer''s product_id; over 1,000 bytes its beginning and its SHA-256.';
COMMENT ON COLUMN product_performance.views IS 'Views.';
COMMENT ON COLUMN product_performance.carts IS 'Additions to a cart.';
COMMENT ON COLUMN product_performance.removes IS 'Removals from a cart.';
COMMENT ON COLUMN product_performance.purchases IS 'Purchases.';
COMMENT ON COLUMN product_performance.others IS 'Other actions, which a source mapping declares.';
COMMENT ON COLUMN product_performance.revenue IS 'Sum of the prices of the purchases; a purchase without a price counts 0.';
COMMENT ON COLUMN product_performance.min_price IS 'Lowest price on any event; null where none had one.';
COMMENT ON COLUMN product_performance.max_price IS 'Highest price on any event; null where none had one.';
COMMENT ON COLUMN product_performance.cart_rate IS 'carts / views; null without views; over 1 where carts come without views.';
COMMENT ON COLUMN product_performance.purchase_rate IS 'purchases / views; null without views.';

COMMENT ON TABLE hourly_traffic IS 'One row per hour (UTC) with events in it.';
COMMENT ON COLUMN hourly_traffic.hour IS 'Start of the hour.';
COMMENT ON COLUMN hourly_traffic.events IS 'Events whose event_time lies in the hour.';
COMMENT ON COLUMN hourly_traffic.views IS 'Of these, views.';
COMMENT ON COLUMN hourly_traffic.carts IS 'Of these, additions to a cart.';
COMMENT ON COLUMN hourly_traffic.removes IS 'Of these, removals from a cart.';
COMMENT ON COLUMN hourly_traffic.purchases IS 'Of these, purchases.';
COMMENT ON COLUMN hourly_traffic.others IS 'Of these, other actions, which a source mapping declares.';
COMMENT ON COLUMN hourly_traffic.revenue IS 'Sum of the prices of the purchases; a purchase without a price counts 0.';

COMMENT ON TABLE conversion_funnel IS 'One row per day (UTC) on which sessions started, with how far these sessions came, in any order of steps and on any later day.';
COMMENT ON COLUMN conversion_funnel.day IS 'Day on which the sessions started, UTC.';
COMMENT ON COLUMN conversion_funnel.sessions IS 'Sessions that started on the day.';
COMMENT ON COLUMN conversion_funnel.viewed IS 'Of these, with a view.';
COMMENT ON COLUMN conversion_funnel.carted IS 'Of these, with an addition to the cart.';
COMMENT ON COLUMN conversion_funnel.purchased IS 'Of these, with a purchase.';
COMMENT ON COLUMN conversion_funnel.abandoned IS 'Of these, with an addition to the cart but no purchase.';
COMMENT ON COLUMN conversion_funnel.revenue IS 'Revenue of these sessions.';
COMMENT ON COLUMN conversion_funnel.view_rate IS 'viewed / sessions.';
COMMENT ON COLUMN conversion_funnel.cart_rate IS 'carted / sessions.';
COMMENT ON COLUMN conversion_funnel.conversion_rate IS 'purchased / sessions.';
COMMENT ON COLUMN conversion_funnel.abandonment_rate IS 'abandoned / carted; null where nothing was carted.';

COMMENT ON TABLE device_usage IS 'One row per day (UTC), device class and browser with which sessions started.';
COMMENT ON COLUMN device_usage.day IS 'Day on which the sessions started, UTC.';
COMMENT ON COLUMN device_usage.device IS 'Device class of the sessions (see sessions.device).';
COMMENT ON COLUMN device_usage.browser IS 'Browser of the sessions (see sessions.browser).';
COMMENT ON COLUMN device_usage.sessions IS 'Sessions that started so.';
COMMENT ON COLUMN device_usage.purchased IS 'Of these, with a purchase.';
COMMENT ON COLUMN device_usage.events IS 'Events of these sessions, all their days.';
COMMENT ON COLUMN device_usage.revenue IS 'Revenue of these sessions.';
COMMENT ON COLUMN device_usage.conversion_rate IS 'purchased / sessions.';

GRANT INSERT, UPDATE, DELETE ON user_agents, sessions, session_changes, product_performance, hourly_traffic,
    conversion_funnel, device_usage TO clickstream_writer;
GRANT UPDATE ON summary_state TO clickstream_writer;

-- 6. Privileges -----------------------------------------------------------------------------------

GRANT USAGE ON SCHEMA public TO clickstream_reader, clickstream_writer;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO clickstream_reader, clickstream_writer;

GRANT INSERT ON events, rejected_events, event_conflicts, ingest_batches, ingest_layouts, ingest_mappings,
    ingest_source_layouts TO clickstream_writer;
GRANT INSERT, UPDATE ON ingest_files, ingest_sources, ingest_objects, ingest_listings TO clickstream_writer;
GRANT INSERT, UPDATE, DELETE ON ingest_chunks TO clickstream_writer;
GRANT INSERT, UPDATE ON lineage_sent TO clickstream_writer;
GRANT UPDATE ON stream_lease, stream_lock TO clickstream_writer;
GRANT UPDATE (rows, ids) ON ledger_totals TO clickstream_writer;
GRANT INSERT, DELETE ON reused_event_ids TO clickstream_writer;
GRANT UPDATE ON maintenance_state TO clickstream_writer;
GRANT UPDATE (replayed_at) ON rejected_events TO clickstream_writer;
GRANT USAGE, SELECT ON SEQUENCE events_id_seq, ingest_chunks_seq TO clickstream_writer;
GRANT EXECUTE ON FUNCTION ensure_event_partitions(date[]) TO clickstream_writer;
GRANT USAGE, CREATE ON SCHEMA staging TO clickstream_writer;
GRANT SELECT, INSERT, DELETE ON staging.finished_parts TO clickstream_writer;
