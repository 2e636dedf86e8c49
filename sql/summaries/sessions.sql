-- Adds the batches after `through` up to `target`, and notes in session_changes by day and device what
-- that changed. One pass over the new rows, then one index probe a touched session (LATERAL … OFFSET 0 holds
-- the planner to it: its estimate of a join would rest on statistics that know nothing of the new batches). The
-- rows are sorted by the bytes of session_id, which is quicker than by a language's rules.
--
-- Sessions that started before `kept_before` are left alone: a rebuild keeps those whose events are partly
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
    WHERE old.started_at IS NULL OR %(kept_before)s::timestamptz IS NULL
       OR old.started_at >= %(kept_before)s::timestamptz
),
stored AS (
    INSERT INTO sessions
        (session_id, user_id, started_at, ended_at, events, views, carts, removes, purchases, revenue,
         device, system, browser, user_agent_id, first_event_id)
    SELECT session_id, user_id, started_at, ended_at, events, views, carts, removes, purchases, revenue,
           device, system, browser, user_agent_id, first_event_id
    FROM touched
    ON CONFLICT (session_id) DO UPDATE
    SET (user_id, started_at, ended_at, events, views, carts, removes, purchases, revenue,
         device, system, browser, user_agent_id, first_event_id)
      = (excluded.user_id, excluded.started_at, excluded.ended_at, excluded.events, excluded.views,
         excluded.carts, excluded.removes, excluded.purchases, excluded.revenue,
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
SELECT coalesce(sum(events_added), 0)::bigint AS events,
       count(*) AS groups,
       count(*) FILTER (WHERE is_new) AS rows_added,
       coalesce(max(last_event_id), 0) AS last_event_id
FROM touched
