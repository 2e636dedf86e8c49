WITH stored AS (
    INSERT INTO conversion_funnel (day, sessions, viewed, carted, purchased, abandoned, revenue)
    SELECT (started_at AT TIME ZONE 'UTC')::date,
           count(*),
           count(*) FILTER (WHERE views > 0),
           count(*) FILTER (WHERE carts > 0),
           count(*) FILTER (WHERE purchases > 0),
           count(*) FILTER (WHERE carts > 0 AND purchases = 0),
           sum(revenue)
    FROM sessions
    WHERE started_at >= %(start)s AND started_at < %(stop)s
    GROUP BY 1
    RETURNING 1
)
SELECT 0::bigint AS events, count(*) AS groups, count(*) AS rows_added, 0::bigint AS last_event_id FROM stored
