UPDATE stream_lease SET
    heartbeat_at = clock_timestamp(),
    last_progress_at = greatest(last_progress_at, clock_timestamp() - %(progress_age)s * interval '1 second'),
    spark_ui_url = coalesce(%(spark_ui_url)s, spark_ui_url)
WHERE epoch = %(epoch)s
