-- The summary sessions, and session_changes, by which others follow it.

-- name: sessions.add
-- Adds the batches after `through` up to `target`, and notes in session_changes by day and device what
-- that changed. One pass over the new rows, then one index probe a touched session (LATERAL … OFFSET 0 holds
-- the planner to it: its estimate of a join would rest on statistics that know nothing of the new batches). The
-- rows are sorted by the bytes of session_id, which is quicker than by a language's rules.
--
-- Events without a session are read, and counted nowhere. Sessions that started before `kept_before` are left alone: a rebuild keeps those whose events are partly
-- dropped. Where `session_ids` is given, no other session is touched.
WITH new_rows AS (
    SELECT summary_key(session_id) COLLATE "C" AS session_id, id, event_time, user_id, action_type, price, user_agent,
           row_number() OVER by_session = 1 AS is_first
    FROM events_of_batches(%(after_id)s, %(through)s, %(target)s)
    WHERE (%(before_id)s::bigint IS NULL OR id < %(before_id)s::bigint)
      AND (%(session_ids)s::text[] IS NULL OR summary_key(session_id) = ANY (%(session_ids)s::text[]))
    WINDOW by_session AS (PARTITION BY summary_key(session_id) COLLATE "C" ORDER BY event_time, id)
),
added AS (
    SELECT session_id,
           min(event_time) AS started_at,
           max(event_time) AS ended_at,
           count(*) AS events,
           max(id) AS last_event_id,
           count(*) FILTER (WHERE action_type = 'view') AS views,
           count(*) FILTER (WHERE action_type = 'add_to_cart') AS carts,
           count(*) FILTER (WHERE action_type = 'remove_from_cart') AS removes,
           count(*) FILTER (WHERE action_type = 'purchase') AS purchases,
           count(*) FILTER (WHERE action_type NOT IN ('view', 'add_to_cart', 'remove_from_cart', 'purchase')) AS others,
           coalesce(sum(price) FILTER (WHERE action_type = 'purchase'), 0) AS revenue,
           min(id) FILTER (WHERE is_first) AS first_event_id,
           min(user_id) FILTER (WHERE is_first) AS user_id,
           min(user_agent) FILTER (WHERE is_first) AS user_agent
    FROM new_rows
    GROUP BY session_id
),
touched AS MATERIALIZED (
    SELECT added.session_id,
           old.session_id IS NULL AS is_new,
           added.events AS events_added,
           added.last_event_id,
           least(old.started_at, added.started_at) AS started_at,
           greatest(old.ended_at, added.ended_at) AS ended_at,
           coalesce(old.events, 0) + added.events AS events,
           coalesce(old.views, 0) + added.views AS views,
           coalesce(old.carts, 0) + added.carts AS carts,
           coalesce(old.removes, 0) + added.removes AS removes,
           coalesce(old.purchases, 0) + added.purchases AS purchases,
           coalesce(old.others, 0) + added.others AS others,
           coalesce(old.revenue, 0) + added.revenue AS revenue,
           CASE WHEN begins THEN added.first_event_id ELSE old.first_event_id END AS first_event_id,
           CASE WHEN begins THEN added.user_id ELSE old.user_id END AS user_id,
           CASE WHEN begins THEN agent.user_agent_id ELSE old.user_agent_id END AS user_agent_id,
           CASE WHEN begins THEN coalesce(agent.device, 'unknown') ELSE old.device END AS device,
           CASE WHEN begins THEN coalesce(agent.system, 'unknown') ELSE old.system END AS system,
           CASE WHEN begins THEN coalesce(agent.browser, 'unknown') ELSE old.browser END AS browser,
           old.started_at AS old_started_at, old.device AS old_device, old.browser AS old_browser,
           old.events AS old_events, old.views AS old_views, old.carts AS old_carts,
           old.purchases AS old_purchases, old.revenue AS old_revenue
    FROM added
    LEFT JOIN LATERAL (
        SELECT * FROM sessions WHERE sessions.session_id = added.session_id COLLATE "default" OFFSET 0
    ) AS old ON true
    CROSS JOIN LATERAL (
        SELECT old.session_id IS NULL
               OR (added.started_at, added.first_event_id) < (old.started_at, old.first_event_id) AS begins
    ) AS comparison
    LEFT JOIN LATERAL (
        SELECT * FROM user_agents WHERE user_agents.user_agent = summary_key(added.user_agent) OFFSET 0
    ) AS agent ON true
    WHERE added.session_id IS NOT NULL
      AND (old.started_at IS NULL OR %(kept_before)s::timestamptz IS NULL
           OR old.started_at >= %(kept_before)s::timestamptz)
),
sessionless AS (
    SELECT events, last_event_id FROM added WHERE session_id IS NULL
),
stored AS (
    INSERT INTO sessions
        (session_id, user_id, started_at, ended_at, events, views, carts, removes, purchases, others, revenue,
         device, system, browser, user_agent_id, first_event_id)
    SELECT session_id, user_id, started_at, ended_at, events, views, carts, removes, purchases, others, revenue,
           device, system, browser, user_agent_id, first_event_id
    FROM touched
    ON CONFLICT (session_id) DO UPDATE
    SET (user_id, started_at, ended_at, events, views, carts, removes, purchases, others, revenue,
         device, system, browser, user_agent_id, first_event_id)
      = (excluded.user_id, excluded.started_at, excluded.ended_at, excluded.events, excluded.views,
         excluded.carts, excluded.removes, excluded.purchases, excluded.others, excluded.revenue,
         excluded.device, excluded.system, excluded.browser, excluded.user_agent_id, excluded.first_event_id)
),
states AS (
    SELECT 1 AS sign, started_at, device, browser, events, views, carts, purchases, revenue
    FROM touched
    UNION ALL
    SELECT -1, old_started_at, old_device, old_browser, old_events, old_views, old_carts, old_purchases, old_revenue
    FROM touched
    WHERE NOT is_new
),
noted AS (
    INSERT INTO session_changes
        (through_batch_id, day, device, browser, sessions, viewed, carted, purchased, abandoned, events, revenue)
    SELECT %(target)s, (started_at AT TIME ZONE 'UTC')::date, device, browser,
           sum(sign),
           coalesce(sum(sign) FILTER (WHERE views > 0), 0),
           coalesce(sum(sign) FILTER (WHERE carts > 0), 0),
           coalesce(sum(sign) FILTER (WHERE purchases > 0), 0),
           coalesce(sum(sign) FILTER (WHERE carts > 0 AND purchases = 0), 0),
           sum(sign * events),
           sum(sign * revenue)
    FROM states
    GROUP BY 2, 3, 4
)
SELECT (coalesce(sum(events_added), 0) + coalesce((SELECT events FROM sessionless), 0))::bigint AS events,
       count(*) AS groups,
       count(*) FILTER (WHERE is_new) AS rows_added,
       greatest(coalesce(max(last_event_id), 0), coalesce((SELECT last_event_id FROM sessionless), 0)) AS last_event_id
FROM touched;

-- name: sessions.clear
-- Sessions that started before `start` stay: their events are partly dropped. Where `session_ids` is given,
-- no other session goes.
DELETE FROM sessions
WHERE started_at >= %(start)s
  AND (%(session_ids)s::text[] IS NULL OR session_id = ANY (%(session_ids)s::text[]));

-- name: sessions.of_day
-- Sessions with an event in the span, or recorded as started in it.
SELECT summary_key(session_id) FROM events
WHERE event_time >= %(start)s AND event_time < %(stop)s AND batch_id <= %(target)s AND session_id IS NOT NULL
UNION
SELECT session_id FROM sessions
WHERE started_at >= %(start)s AND started_at < %(stop)s;

-- name: sessions.clear_changes
DELETE FROM session_changes;

-- name: sessions.trim_changes
-- What every follower has recorded. A follower's record only grows, so an old view of it keeps too much, never
-- too little.
DELETE FROM session_changes
WHERE through_batch_id <= (
    SELECT min(through_batch_id) FROM summary_state WHERE summary = ANY (%(followers)s)
);

-- name: sessions.count
SELECT count(*) FROM sessions;

-- name: sessions.preview
SELECT session_id, user_id, started_at, duration, events, purchases, revenue, device, browser
FROM sessions
ORDER BY started_at DESC, session_id
LIMIT %(rows)s;

-- name: sessions.audit
-- A sample of the sessions with an event on a day, or recorded as begun on it: as the table has them, against all their
-- events of the batches that it has recorded. The events are looked for from a day before the first that the table
-- knows of to a day after the last, so that the other partitions are not read. Sessions that began before events were
-- dropped keep what was counted then, and can't be compared.
WITH sampled AS MATERIALIZED (
    SELECT session_id
      FROM (SELECT summary_key(session_id) AS session_id
              FROM events
             WHERE event_time >= %(start)s::timestamptz AND event_time < %(stop)s::timestamptz
               AND batch_id <= %(through)s AND session_id IS NOT NULL
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
           count(*) FILTER (WHERE action_type NOT IN ('view', 'add_to_cart', 'remove_from_cart', 'purchase')) AS others,
           coalesce(sum(price) FILTER (WHERE action_type = 'purchase'), 0) AS revenue,
           min(id) FILTER (WHERE is_first) AS first_event_id,
           min(user_agent) FILTER (WHERE is_first) AS user_agent
      FROM found
     GROUP BY session_id
), expected AS (
    SELECT session_id, user_id, started_at, ended_at, events, views, carts, removes, purchases, others, revenue, first_event_id,
           coalesce(agent.device, 'unknown') AS device, coalesce(agent.system, 'unknown') AS system,
           coalesce(agent.browser, 'unknown') AS browser
      FROM totals
      LEFT JOIN user_agents AS agent ON agent.user_agent = summary_key(totals.user_agent)
), stored AS (
    SELECT session_id, user_id, started_at, ended_at, events, views, carts, removes, purchases, others, revenue, first_event_id,
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
               FROM wrong ORDER BY key LIMIT %(examples)s);
