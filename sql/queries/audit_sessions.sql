-- A sample of the sessions with an event on a day, or recorded as begun on it: as the table has them, against all their
-- events of the batches that it has recorded. The events are looked for from a day before the first that the table
-- knows of to a day after the last, so that the other partitions are not read. Sessions that began before events were
-- dropped keep what was counted then, and can't be compared.
WITH sampled AS MATERIALIZED (
    SELECT session_id
      FROM (SELECT summary_key(session_id) AS session_id
              FROM events
             WHERE event_time >= %(start)s::timestamptz AND event_time < %(stop)s::timestamptz
               AND batch_id <= %(through)s
             UNION
            SELECT session_id
              FROM sessions
             WHERE started_at >= %(start)s::timestamptz AND started_at < %(stop)s::timestamptz) AS of_day
     WHERE NOT EXISTS (SELECT FROM sessions AS kept
                        WHERE kept.session_id = of_day.session_id AND kept.started_at < %(floor)s::timestamptz)
     ORDER BY md5(session_id || %(seed)s)
     LIMIT %(sample)s
), span AS MATERIALIZED (
    SELECT least(min(started_at), %(start)s::timestamptz) - interval '1 day' AS low,
           greatest(max(ended_at), %(stop)s::timestamptz) + interval '1 day' AS high
      FROM sessions JOIN sampled USING (session_id)
), found AS (
    SELECT summary_key(session_id) AS session_id, id, event_time, user_id, action_type, price, user_agent,
           row_number() OVER (PARTITION BY summary_key(session_id) ORDER BY event_time, id) = 1 AS is_first
      FROM events
     WHERE event_time >= (SELECT low FROM span) AND event_time < (SELECT high FROM span)
       AND batch_id <= %(through)s
       AND summary_key(session_id) IN (SELECT session_id FROM sampled)
), totals AS (
    SELECT session_id,
           min(user_id) FILTER (WHERE is_first) AS user_id,
           min(event_time) AS started_at,
           max(event_time) AS ended_at,
           count(*) AS events,
           count(*) FILTER (WHERE action_type = 'view') AS views,
           count(*) FILTER (WHERE action_type = 'add_to_cart') AS carts,
           count(*) FILTER (WHERE action_type = 'remove_from_cart') AS removes,
           count(*) FILTER (WHERE action_type = 'purchase') AS purchases,
           coalesce(sum(price) FILTER (WHERE action_type = 'purchase'), 0) AS revenue,
           min(id) FILTER (WHERE is_first) AS first_event_id,
           min(user_agent) FILTER (WHERE is_first) AS user_agent
      FROM found
     GROUP BY session_id
), expected AS (
    SELECT session_id, user_id, started_at, ended_at, events, views, carts, removes, purchases, revenue, first_event_id,
           coalesce(agent.device, 'unknown') AS device, coalesce(agent.system, 'unknown') AS system,
           coalesce(agent.browser, 'unknown') AS browser
      FROM totals
      LEFT JOIN user_agents AS agent ON agent.user_agent = summary_key(totals.user_agent)
), stored AS (
    SELECT session_id, user_id, started_at, ended_at, events, views, carts, removes, purchases, revenue, first_event_id,
           device, system, browser
      FROM sessions JOIN sampled USING (session_id)
), compared AS (
    SELECT session_id AS key, to_jsonb(stored) AS stored, to_jsonb(expected) AS expected
      FROM stored FULL JOIN expected USING (session_id)
), wrong AS (
    SELECT * FROM compared WHERE stored IS DISTINCT FROM expected
)
SELECT (SELECT count(*) FROM compared), (SELECT count(*) FROM wrong),
       ARRAY(SELECT jsonb_build_object('key', key, 'stored', stored, 'expected', expected)
               FROM wrong ORDER BY key LIMIT %(examples)s)
