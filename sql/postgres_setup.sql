-- The whole schema, safe to repeat. Applied by `clickstream setup-db` as the database owner,
-- which then gives the two roles created here their passwords.
--
--   1. roles        2. the ledger (files, chunks, batches, lease)
--   3. events, rejects, conflicts        4. partitions        5. summaries        6. privileges
--
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

CREATE TABLE IF NOT EXISTS schema_versions (
    version    integer PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO schema_versions (version) VALUES (1) ON CONFLICT DO NOTHING;

-- 2. The ledger -----------------------------------------------------------------------------------

-- The distinct headers that files came with, in the order of their columns.
CREATE TABLE IF NOT EXISTS ingest_layouts (
    layout_id     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    columns       text[] NOT NULL,                 -- names as the files write them
    delimiter     text NOT NULL DEFAULT ',',
    first_seen_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (columns, delimiter)
);

-- One row a delivery of a file. The same name with other content is another row, and so is the
-- same content delivered again.
CREATE TABLE IF NOT EXISTS ingest_files (
    file_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    path           text NOT NULL,                  -- relative to the events directory, UTF-8 with \xNN escapes
    raw_path       bytea,                          -- the same as bytes, where it is not UTF-8; else null
    size_bytes     bigint NOT NULL,                -- on disk (compressed, where it is)
    content_hash   bytea,                          -- SHA-256 of the bytes on disk; null if unreadable
    status         text NOT NULL CHECK (status IN (
                       'registered',               -- waiting for its micro-batch
                       'committed',                -- every record is in events, rejected_events or counted as duplicate
                       'duplicate',                -- content that was committed before: nothing read, all counted as duplicate
                       'rejected',                 -- cannot be read as events (reason): nothing read
                       'changed')),                -- changed or vanished before it was read; registered anew if still there
    reason         text,                           -- short stable code for rejected and changed; else null
    detail         text,
    landed_at      timestamptz NOT NULL,           -- the inode's change time, which a rename sets
    registered_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    committed_at   timestamptz,                    -- of the micro-batch that completed the file
    rows_expected  bigint NOT NULL DEFAULT 0,      -- records that intake counted
    rows_read      bigint NOT NULL DEFAULT 0,
    rows_inserted  bigint NOT NULL DEFAULT 0,
    rows_duplicate bigint NOT NULL DEFAULT 0,
    rows_rejected  bigint NOT NULL DEFAULT 0,
    chunks_open    integer NOT NULL DEFAULT 0,     -- chunks not committed yet
    layout_id      integer REFERENCES ingest_layouts,
    compression    text,                           -- gzip or null
    duplicate_of   bigint,                         -- file_id whose content this repeats
    inode          bigint NOT NULL,                -- inode, modified_ns, changed_ns and size: which state of the path this row is about
    modified_ns    bigint NOT NULL,
    changed_ns     bigint NOT NULL,
    archived_at    timestamptz                     -- when maintenance moved or deleted the file on disk
);
CREATE INDEX IF NOT EXISTS ingest_files_path ON ingest_files (path);
CREATE INDEX IF NOT EXISTS ingest_files_content_hash ON ingest_files (content_hash) WHERE status = 'committed';
CREATE INDEX IF NOT EXISTS ingest_files_waiting ON ingest_files (file_id) WHERE status = 'registered';
CREATE INDEX IF NOT EXISTS ingest_files_committed_at ON ingest_files (committed_at);
CREATE INDEX IF NOT EXISTS ingest_files_registered_at ON ingest_files (registered_at);

-- The work queue of the stream: record-aligned pieces of registered files. `seq` is the offset of
-- the Spark source. Rows are deleted by the transaction that commits them, so the table stays small.
CREATE SEQUENCE IF NOT EXISTS ingest_chunks_seq AS bigint;
CREATE TABLE IF NOT EXISTS ingest_chunks (
    seq         bigint PRIMARY KEY DEFAULT nextval('ingest_chunks_seq'),
    file_id     bigint NOT NULL REFERENCES ingest_files,
    byte_offset bigint NOT NULL,                   -- into the (decompressed) content
    byte_length bigint NOT NULL,
    first_line  bigint NOT NULL,                   -- line number of the first byte; the header is line 1
    records     bigint NOT NULL,                   -- that intake counted: header and blank lines are none
    disk_bytes  bigint NOT NULL                    -- to be read from disk for it
);

-- One row a committed micro-batch. batch_id is assigned inside the committing transaction, under the
-- lease: it has no gaps and its order is the order of the commits.
CREATE TABLE IF NOT EXISTS ingest_batches (
    batch_id       bigint PRIMARY KEY,
    query_id       text NOT NULL,                  -- Spark's; its batch numbers start again with a new checkpoint
    spark_batch_id bigint NOT NULL,
    epoch          bigint NOT NULL,                -- of the lease that committed it
    sink           text NOT NULL,
    first_seq      bigint NOT NULL,
    last_seq       bigint NOT NULL,
    files          integer NOT NULL,               -- touched, whole or in part
    started_at     timestamptz NOT NULL,
    committed_at   timestamptz NOT NULL,
    rows_read      bigint NOT NULL,
    rows_inserted  bigint NOT NULL,
    rows_duplicate bigint NOT NULL,
    rows_rejected  bigint NOT NULL,
    rows_conflict  bigint NOT NULL DEFAULT 0,      -- of the duplicates: same id and time, other content
    total_rows_read      bigint NOT NULL,          -- running totals over all batches, this one included
    total_rows_inserted  bigint NOT NULL,
    total_rows_duplicate bigint NOT NULL,
    total_rows_rejected  bigint NOT NULL,
    min_event_time timestamptz,                    -- of the good rows read
    max_event_time timestamptz,
    parse_seconds  double precision NOT NULL,      -- Spark: read, split, cast, COPY to staging
    merge_seconds  double precision NOT NULL,      -- PostgreSQL: staging to events and the ledgers
    UNIQUE (query_id, spark_batch_id),
    CHECK (rows_read = rows_inserted + rows_duplicate + rows_rejected)
);
CREATE INDEX IF NOT EXISTS ingest_batches_committed_at ON ingest_batches (committed_at);

-- Who streams. One row. Every transaction of a stream locks its epoch FOR KEY SHARE, so that a writer
-- that lost the lease cannot commit; the unique key makes taking over wait for such a transaction,
-- while heartbeats (no key column) do not.
CREATE TABLE IF NOT EXISTS stream_lease (
    only_row         boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    epoch            bigint NOT NULL UNIQUE,       -- grows by one with every holder
    mode             text CHECK (mode IN ('continuous', 'catch-up', 'replay')),
    dagster_run_id   text,
    pid              integer,
    host             text,
    spark_ui_url     text,
    started_at       timestamptz,
    heartbeat_at     timestamptz,
    last_progress_at timestamptz,                  -- last commit, or last look that found nothing to do
    released_at      timestamptz,                  -- set by a clean end; null while held and after a crash
    wanted           text NOT NULL DEFAULT 'running' CHECK (wanted IN ('running', 'stopped')),
    failures         integer NOT NULL DEFAULT 0,   -- in a row, of supervised starts
    next_attempt_at  timestamptz,                  -- back-off: not before
    last_reason      text                          -- why the last stream ended, or was ended
);
INSERT INTO stream_lease (epoch) SELECT 0 WHERE NOT EXISTS (SELECT FROM stream_lease);

-- 3. Events, rejects, conflicts -------------------------------------------------------------------

CREATE SEQUENCE IF NOT EXISTS events_id_seq AS bigint CACHE 1;

-- An event is the same when id and time agree. The unique key must hold the partition key.
CREATE TABLE IF NOT EXISTS events (
    id          bigint NOT NULL DEFAULT nextval('events_id_seq'),
    event_id    uuid NOT NULL,
    user_id     text NOT NULL,
    session_id  text NOT NULL,
    action_type text NOT NULL CHECK (action_type IN ('view', 'add_to_cart', 'remove_from_cart', 'purchase')),
    product_id  text NOT NULL,
    event_time  timestamptz NOT NULL,
    price       numeric CHECK (price >= 0),
    user_agent  text,
    extra       jsonb,                             -- columns of the file that are not ours
    batch_id    bigint NOT NULL,
    file_id     bigint NOT NULL,
    line_no     bigint NOT NULL,                   -- where the record starts; the header is line 1
    ingested_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, event_time),
    UNIQUE (event_id, event_time)
) PARTITION BY RANGE (event_time);
ALTER SEQUENCE events_id_seq OWNED BY events.id;
-- Rows arrive in the order of their batch and file: a block-range index finds them at almost no cost.
CREATE INDEX IF NOT EXISTS events_batch_file ON events USING brin (batch_id, file_id)
    WITH (pages_per_range = 16, autosummarize = on);

CREATE TABLE IF NOT EXISTS rejected_events (
    reject_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    file_id     bigint NOT NULL REFERENCES ingest_files,
    line_no     bigint NOT NULL,
    byte_offset bigint NOT NULL,                   -- into the (decompressed) content
    byte_length bigint NOT NULL,
    raw         bytea NOT NULL,                    -- the line as it was, its first 64 KiB
    reason      text NOT NULL,                     -- short stable code, see spark/cleaning.py
    detail      text,
    batch_id    bigint NOT NULL,
    rejected_at timestamptz NOT NULL DEFAULT now(),
    replayed_at timestamptz,
    UNIQUE (file_id, line_no)
);
CREATE INDEX IF NOT EXISTS rejected_events_batch ON rejected_events (batch_id);
CREATE INDEX IF NOT EXISTS rejected_events_rejected_at ON rejected_events (rejected_at);

-- A row with the id and time of a stored event but other content: counted as duplicate, kept here.
CREATE TABLE IF NOT EXISTS event_conflicts (
    file_id     bigint NOT NULL REFERENCES ingest_files,
    line_no     bigint NOT NULL,
    event_id    uuid NOT NULL,
    event_time  timestamptz NOT NULL,
    content     jsonb NOT NULL,                    -- the row that was not stored
    batch_id    bigint NOT NULL,
    detected_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (file_id, line_no)
);
CREATE INDEX IF NOT EXISTS event_conflicts_batch ON event_conflicts (batch_id);

-- 4. Partitions -----------------------------------------------------------------------------------

-- Creates the monthly partitions (UTC) that are missing among the given months. Runs as the owner, so
-- that the writer needs no right to create tables. Attaching takes a lock that lets readers go on;
-- CREATE TABLE … PARTITION OF would shut them out.
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
        PERFORM pg_advisory_xact_lock(hashtext('clickstream.partitions'));
        CONTINUE WHEN to_regclass(format('public.%I', name)) IS NOT NULL;
        EXECUTE format('CREATE TABLE public.%I (LIKE public.events INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
        EXECUTE format('ALTER TABLE public.events ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)', name,
                       month::text || ' 00:00:00+00', (month + interval '1 month')::date::text || ' 00:00:00+00');
        created := created + 1;
    END LOOP;
    RETURN created;
END
$$;
REVOKE ALL ON FUNCTION ensure_event_partitions(date[]) FROM PUBLIC;

-- 5. Summaries ------------------------------------------------------------------------------------

-- 6. Privileges -----------------------------------------------------------------------------------

GRANT USAGE ON SCHEMA public TO clickstream_reader, clickstream_writer;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO clickstream_reader, clickstream_writer;

GRANT INSERT ON events, rejected_events, event_conflicts, ingest_batches, ingest_layouts TO clickstream_writer;
GRANT INSERT, UPDATE ON ingest_files TO clickstream_writer;
GRANT INSERT, UPDATE, DELETE ON ingest_chunks TO clickstream_writer;
GRANT UPDATE ON stream_lease TO clickstream_writer;
GRANT UPDATE (replayed_at) ON rejected_events TO clickstream_writer;
GRANT USAGE ON SEQUENCE events_id_seq, ingest_chunks_seq TO clickstream_writer;
GRANT EXECUTE ON FUNCTION ensure_event_partitions(date[]) TO clickstream_writer;
GRANT USAGE, CREATE ON SCHEMA staging TO clickstream_writer;
