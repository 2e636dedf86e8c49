WITH stored AS (
    INSERT INTO device_usage (day, device, browser, sessions, purchased, events, revenue)
    SELECT (started_at AT TIME ZONE 'UTC')::date, device, browser,
           count(*),
           count(*) FILTER (WHERE purchases > 0),
           sum(events),
           sum(revenue)
    FROM sessions
    WHERE started_at >= %(start)s AND started_at < %(stop)s
    GROUP BY 1, 2, 3
    RETURNING 1
)
SELECT 0::bigint AS events, count(*) AS groups, count(*) AS rows_added, 0::bigint AS last_event_id FROM stored
