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
               FROM wrong ORDER BY key LIMIT %(examples)s)
