-- The dimension user_agents: one row per distinct string.

-- name: user_agents.new
-- The strings that user_agents has not got, and how many events were read to find them.
WITH added AS MATERIALIZED (
    SELECT summary_key(user_agent) AS user_agent, count(*) AS events, max(id) AS last_event_id
    FROM events_of_batches(%(after_id)s, %(through)s, %(target)s)
    WHERE %(before_id)s::bigint IS NULL OR id < %(before_id)s::bigint
    GROUP BY 1
)
SELECT coalesce(sum(events), 0)::bigint AS events,
       coalesce(max(last_event_id), 0) AS last_event_id,
       coalesce(array_agg(user_agent) FILTER (
           WHERE user_agent IS NOT NULL
             AND NOT EXISTS (SELECT FROM user_agents WHERE user_agents.user_agent = added.user_agent)
       ), '{}') AS user_agents
FROM added;

-- name: user_agents.insert
INSERT INTO user_agents (user_agent, device, model, system, browser)
SELECT *
FROM unnest(%(user_agents)s::text[], %(devices)s::text[], %(models)s::text[], %(systems)s::text[],
            %(browsers)s::text[])
ON CONFLICT (user_agent) DO NOTHING;

-- name: user_agents.known
SELECT user_agent FROM user_agents;

-- name: user_agents.update
UPDATE user_agents AS known
SET device = parsed.device, model = parsed.model, system = parsed.system, browser = parsed.browser
FROM unnest(%(user_agents)s::text[], %(devices)s::text[], %(models)s::text[], %(systems)s::text[],
            %(browsers)s::text[]) AS parsed (user_agent, device, model, system, browser)
WHERE known.user_agent = parsed.user_agent
  AND (known.device, known.model, known.system, known.browser)
      IS DISTINCT FROM (parsed.device, parsed.model, parsed.system, parsed.browser);

-- name: user_agents.count
SELECT count(*) FROM user_agents;

-- name: user_agents.preview
SELECT device, model, system, browser, user_agent
FROM user_agents
ORDER BY user_agent_id DESC
LIMIT %(rows)s;

-- name: user_agents.audit
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
               FROM wrong ORDER BY key LIMIT %(examples)s);
