-- The summary conversion_funnel: a row per day. It follows sessions.

-- name: conversion_funnel.add
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
FROM touched;

-- name: conversion_funnel.rebuild
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
SELECT 0::bigint AS events, count(*) AS groups, count(*) AS rows_added, 0::bigint AS last_event_id FROM stored;

-- name: conversion_funnel.clear
DELETE FROM conversion_funnel WHERE day >= %(start)s::date AND day < %(stop)s::date;

-- name: conversion_funnel.count
SELECT count(*) FROM conversion_funnel;

-- name: conversion_funnel.preview
SELECT day, sessions, viewed, carted, purchased, revenue, conversion_rate, abandonment_rate
FROM conversion_funnel
ORDER BY day DESC
LIMIT %(rows)s;

-- name: conversion_funnel.audit
-- A day of the funnel: as the table has it, with the changes of sessions that it has not taken in yet, against sessions.
WITH expected AS (
    SELECT count(*) AS sessions,
           count(*) FILTER (WHERE views > 0) AS viewed,
           count(*) FILTER (WHERE carts > 0) AS carted,
           count(*) FILTER (WHERE purchases > 0) AS purchased,
           count(*) FILTER (WHERE carts > 0 AND purchases = 0) AS abandoned,
           sum(revenue) AS revenue
      FROM sessions
     WHERE started_at >= %(start)s::timestamptz AND started_at < %(stop)s::timestamptz
    HAVING count(*) > 0
), parts AS (
    SELECT sessions, viewed, carted, purchased, abandoned, revenue FROM conversion_funnel WHERE day = %(day)s
     UNION ALL
    SELECT sessions, viewed, carted, purchased, abandoned, revenue
      FROM session_changes
     WHERE day = %(day)s AND through_batch_id > %(through)s
), stored AS (
    SELECT sum(sessions) AS sessions, sum(viewed) AS viewed, sum(carted) AS carted, sum(purchased) AS purchased,
           sum(abandoned) AS abandoned, sum(revenue) AS revenue
      FROM parts
    HAVING sum(sessions) <> 0
), compared AS (
    SELECT %(day)s::text AS key, to_jsonb(stored) AS stored, to_jsonb(expected) AS expected
      FROM stored FULL JOIN expected ON true
), wrong AS (
    SELECT * FROM compared WHERE stored IS DISTINCT FROM expected
)
SELECT (SELECT count(*) FROM compared), (SELECT count(*) FROM wrong),
       ARRAY(SELECT jsonb_build_object('key', key, 'stored', stored, 'expected', expected)
               FROM wrong ORDER BY key LIMIT %(examples)s);
