-- The summary device_usage: a row per day, device and browser. It follows sessions.

-- name: device_usage.add
-- Adds the changes of sessions after `through` up to `target`. A group that all sessions left is deleted,
-- as a rebuild would not have it.
WITH changes AS (
    SELECT day, device, browser,
           sum(sessions)::bigint AS sessions,
           sum(purchased)::bigint AS purchased,
           sum(events)::bigint AS events,
           sum(revenue) AS revenue
    FROM session_changes
    WHERE through_batch_id > %(through)s AND through_batch_id <= %(target)s
    GROUP BY day, device, browser
),
touched AS MATERIALIZED (
    SELECT changes.day, changes.device, changes.browser,
           old.day IS NULL AS is_new,
           coalesce(old.sessions, 0) + changes.sessions AS sessions,
           coalesce(old.purchased, 0) + changes.purchased AS purchased,
           coalesce(old.events, 0) + changes.events AS events,
           coalesce(old.revenue, 0) + changes.revenue AS revenue
    FROM changes
    LEFT JOIN device_usage AS old
        ON old.day = changes.day AND old.device = changes.device AND old.browser = changes.browser
),
stored AS (
    INSERT INTO device_usage (day, device, browser, sessions, purchased, events, revenue)
    SELECT day, device, browser, sessions, purchased, events, revenue
    FROM touched
    WHERE sessions <> 0
    ON CONFLICT (day, device, browser) DO UPDATE
    SET (sessions, purchased, events, revenue)
      = (excluded.sessions, excluded.purchased, excluded.events, excluded.revenue)
),
emptied AS (
    DELETE FROM device_usage AS gone
    USING touched
    WHERE gone.day = touched.day AND gone.device = touched.device AND gone.browser = touched.browser
      AND touched.sessions = 0
    RETURNING 1
)
SELECT 0::bigint AS events,
       count(*) AS groups,
       count(*) FILTER (WHERE is_new AND sessions <> 0) - (SELECT count(*) FROM emptied) AS rows_added,
       0::bigint AS last_event_id
FROM touched;

-- name: device_usage.rebuild
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
SELECT 0::bigint AS events, count(*) AS groups, count(*) AS rows_added, 0::bigint AS last_event_id FROM stored;

-- name: device_usage.clear
DELETE FROM device_usage WHERE day >= %(start)s::date AND day < %(stop)s::date;

-- name: device_usage.count
SELECT count(*) FROM device_usage;

-- name: device_usage.preview
SELECT day, device, browser, sessions, purchased, revenue, conversion_rate
FROM device_usage
WHERE day = (SELECT max(day) FROM device_usage)
ORDER BY sessions DESC, device, browser
LIMIT %(rows)s;

-- name: device_usage.audit
-- A day's devices: as the table has them, with the changes of sessions that it has not taken in yet, against sessions.
WITH expected AS (
    SELECT device, browser,
           count(*) AS sessions,
           count(*) FILTER (WHERE purchases > 0) AS purchased,
           sum(events) AS events,
           sum(revenue) AS revenue
      FROM sessions
     WHERE started_at >= %(start)s::timestamptz AND started_at < %(stop)s::timestamptz
     GROUP BY device, browser
), parts AS (
    SELECT device, browser, sessions, purchased, events, revenue FROM device_usage WHERE day = %(day)s
     UNION ALL
    SELECT device, browser, sessions, purchased, events, revenue
      FROM session_changes
     WHERE day = %(day)s AND through_batch_id > %(through)s
), stored AS (
    SELECT device, browser, sum(sessions) AS sessions, sum(purchased) AS purchased, sum(events) AS events,
           sum(revenue) AS revenue
      FROM parts
     GROUP BY device, browser
    HAVING sum(sessions) <> 0
), compared AS (
    SELECT device || ', ' || browser AS key, to_jsonb(stored) AS stored, to_jsonb(expected) AS expected
      FROM stored FULL JOIN expected USING (device, browser)
), wrong AS (
    SELECT * FROM compared WHERE stored IS DISTINCT FROM expected
)
SELECT (SELECT count(*) FROM compared), (SELECT count(*) FROM wrong),
       ARRAY(SELECT jsonb_build_object('key', key, 'stored', stored, 'expected', expected)
               FROM wrong ORDER BY key LIMIT %(examples)s);
