-- Upload space of one attempt of one task. Unlogged: it lives for seconds, and the batch is read again after a crash.
CREATE UNLOGGED TABLE {events} ({event_columns}, batch_id bigint) WITH (autovacuum_enabled = off);
CREATE UNLOGGED TABLE {rejects} ({reject_columns}, batch_id bigint) WITH (autovacuum_enabled = off)
