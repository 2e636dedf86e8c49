-- A new epoch, without the reason of an earlier end. Waits for a transaction of the former holder, whose epoch is
-- locked FOR KEY SHARE.
UPDATE stream_lease SET
    epoch = epoch + 1,
    mode = %(mode)s,
    dagster_run_id = %(dagster_run_id)s,
    pid = %(pid)s,
    host = %(host)s,
    spark_ui_url = NULL,
    started_at = clock_timestamp(),
    heartbeat_at = clock_timestamp(),
    last_progress_at = NULL,
    released_at = NULL,
    last_reason = NULL
RETURNING epoch
