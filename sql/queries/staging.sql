-- Rows on their way from a task to the commit.

-- name: staging.copy
-- Into a table for upload, or straight into `events` and `rejected_events`.
COPY {table} ({columns}, batch_id) FROM STDIN (FORMAT binary);

-- name: staging.create_part
-- Upload space of one attempt of one task. Unlogged: it lives for seconds, and the batch is read again after a crash.
CREATE UNLOGGED TABLE {events} ({event_columns}, batch_id bigint) WITH (autovacuum_enabled = off);
CREATE UNLOGGED TABLE {rejects} ({reject_columns}, batch_id bigint) WITH (autovacuum_enabled = off);

-- name: staging.report_part
INSERT INTO staging.finished_parts (batch_token, part_index, token, part)
VALUES (%(batch_token)s, %(part_index)s, %(token)s, %(part)s);

-- name: staging.finished_part
SELECT part::text FROM staging.finished_parts
WHERE batch_token = %(batch_token)s AND part_index = %(part_index)s
ORDER BY token LIMIT 1;

-- name: staging.forget_finished_parts
DELETE FROM staging.finished_parts WHERE batch_token = %(batch_token)s;

-- name: staging.drop_part
DROP TABLE {tables};

-- name: staging.forget_all_finished_parts
-- Of streams that were killed: the lease is ours, so none of it is in use.
DELETE FROM staging.finished_parts;

-- name: staging.orphaned_parts
-- Upload space that a former stream left behind: the lease is ours, so none of it is in use.
SELECT c.relname
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'staging' AND c.relkind = 'r' AND c.relname ~ '^(events|rejects|rows)_e[0-9]+_'
  AND substring(c.relname FROM '_e([0-9]+)_')::bigint < %(epoch)s;

-- name: staging.drop_orphaned_part
DROP TABLE IF EXISTS {table};

-- name: staging.create_rows_table
-- Where Spark's JDBC writer puts the rows of one micro-batch, events and rejects. Unlogged: it lives for seconds.
-- What only rejects have comes as one value.
CREATE UNLOGGED TABLE {rows} (
    {columns},
    byte_offset bigint GENERATED ALWAYS AS ((reject ->> 'byte_offset')::bigint) STORED,
    byte_length bigint GENERATED ALWAYS AS ((reject ->> 'byte_length')::bigint) STORED,
    raw         bytea  GENERATED ALWAYS AS (decode(reject ->> 'raw', 'base64')) STORED,
    reason      text   GENERATED ALWAYS AS (reject ->> 'reason') STORED,
    detail      text   GENERATED ALWAYS AS (reject ->> 'detail') STORED
) WITH (autovacuum_enabled = off);

-- name: staging.count_rows_table
-- What Spark's JDBC writer put there, by file. A row without a line is a note that the file is not what intake saw.
SELECT file_id,
       count(*) FILTER (WHERE event_id IS NOT NULL),
       count(*) FILTER (WHERE event_id IS NULL AND line_no > 0),
       max(reason) FILTER (WHERE line_no = 0),
       min(event_time), max(event_time),
       array_agg(DISTINCT date_trunc('month', event_time AT TIME ZONE 'UTC')::date) FILTER (WHERE event_id IS NOT NULL)
FROM {rows}
GROUP BY file_id;

-- name: staging.drop_repeated_rows
-- A task that Spark ran twice wrote its rows twice.
DELETE FROM {rows} AS a USING {rows} AS b
WHERE a.file_id = b.file_id AND a.line_no = b.line_no AND a.ctid > b.ctid;
