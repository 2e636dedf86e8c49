-- Once a session of the sink: upload space for small micro-batches, and the rows that a merge did not insert.
CREATE TEMP TABLE small_events (
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
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE small_rejects (
    file_id     bigint,
    line_no     bigint,
    byte_offset bigint,
    byte_length bigint,
    raw         bytea,
    reason      text,
    detail      text
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE merge_duplicates (LIKE small_events) ON COMMIT DELETE ROWS
