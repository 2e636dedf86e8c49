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
FROM touched
