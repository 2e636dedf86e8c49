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

-- name: staging.create_blocks
-- Where Spark's JDBC writer puts the blocks of one micro-batch. Unlogged: it lives for seconds.
CREATE UNLOGGED TABLE {tables} ({columns}) WITH (autovacuum_enabled = off);

-- name: staging.uncompressed
-- To compress the arrays of a block would take longer than to store them.
ALTER TABLE {tables} ALTER COLUMN {column} SET STORAGE EXTERNAL;

-- name: staging.reported_blocks
-- The parts that Spark's JDBC writer put there, those of second attempts too.
SELECT part FROM {tables} WHERE part IS NOT NULL ORDER BY token;
