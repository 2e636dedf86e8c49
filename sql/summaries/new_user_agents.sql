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
FROM added
