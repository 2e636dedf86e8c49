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
               FROM wrong ORDER BY key LIMIT %(examples)s)
