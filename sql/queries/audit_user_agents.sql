-- The user agents of a day's events, against the table, which must have each of them.
WITH compared AS (
    SELECT DISTINCT summary_key(user_agent) AS key
      FROM events
     WHERE event_time >= %(start)s::timestamptz AND event_time < %(stop)s::timestamptz AND batch_id <= %(through)s
       AND user_agent IS NOT NULL
), wrong AS (
    SELECT key FROM compared WHERE NOT EXISTS (SELECT FROM user_agents WHERE user_agents.user_agent = compared.key)
)
SELECT (SELECT count(*) FROM compared), (SELECT count(*) FROM wrong),
       ARRAY(SELECT jsonb_build_object('key', key, 'stored', NULL, 'expected', key)
               FROM wrong ORDER BY key LIMIT %(examples)s)
