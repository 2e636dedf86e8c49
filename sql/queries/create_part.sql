-- Upload space of one attempt of one task. Unlogged: it lives for seconds, and the batch is read again after a crash.
CREATE UNLOGGED TABLE staging.{events} (
    file_id     bigint,
    line_no     bigint,
    event_id    uuid,
    event_time  timestamptz,
    user_id     text,
    session_id  text,
    action_type text,
    product_id  text,
    price       numeric,
    user_agent  text,
    extra       jsonb
) WITH (autovacuum_enabled = off);
CREATE UNLOGGED TABLE staging.{rejects} (
    file_id     bigint,
    line_no     bigint,
    byte_offset bigint,
    byte_length bigint,
    raw         bytea,
    reason      text,
    detail      text
) WITH (autovacuum_enabled = off)
