CREATE TEMP TABLE found_reused_ids (
    event_id uuid, event_time timestamptz, other_time timestamptz, batch_id bigint, file_id bigint, line_no bigint
) ON COMMIT DELETE ROWS
