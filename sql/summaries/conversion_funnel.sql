-- Adds the changes of sessions after `through` up to `target`. A day that all sessions left is deleted, as
-- a rebuild would not have it.
WITH changes AS (
    SELECT day,
           sum(sessions)::bigint AS sessions,
           sum(viewed)::bigint AS viewed,
           sum(carted)::bigint AS carted,
           sum(purchased)::bigint AS purchased,
           sum(abandoned)::bigint AS abandoned,
           sum(revenue) AS revenue
    FROM session_changes
    WHERE through_batch_id > %(through)s AND through_batch_id <= %(target)s
    GROUP BY day
),
touched AS MATERIALIZED (
    SELECT changes.day,
           old.day IS NULL AS is_new,
           coalesce(old.sessions, 0) + changes.sessions AS sessions,
           coalesce(old.viewed, 0) + changes.viewed AS viewed,
           coalesce(old.carted, 0) + changes.carted AS carted,
           coalesce(old.purchased, 0) + changes.purchased AS purchased,
           coalesce(old.abandoned, 0) + changes.abandoned AS abandoned,
           coalesce(old.revenue, 0) + changes.revenue AS revenue
    FROM changes
    LEFT JOIN conversion_funnel AS old ON old.day = changes.day
),
stored AS (
    INSERT INTO conversion_funnel (day, sessions, viewed, carted, purchased, abandoned, revenue)
    SELECT day, sessions, viewed, carted, purchased, abandoned, revenue
    FROM touched
    WHERE sessions <> 0
    ON CONFLICT (day) DO UPDATE
    SET (sessions, viewed, carted, purchased, abandoned, revenue)
      = (excluded.sessions, excluded.viewed, excluded.carted, excluded.purchased, excluded.abandoned, excluded.revenue)
),
emptied AS (
    DELETE FROM conversion_funnel AS gone
    USING touched
    WHERE gone.day = touched.day AND touched.sessions = 0
    RETURNING 1
)
SELECT 0::bigint AS events,
       count(*) AS groups,
       count(*) FILTER (WHERE is_new AND sessions <> 0) - (SELECT count(*) FROM emptied) AS rows_added,
       0::bigint AS last_event_id
FROM touched
