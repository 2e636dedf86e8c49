INSERT INTO user_agents (user_agent, device, model, system, browser)
SELECT *
FROM unnest(%(user_agents)s::text[], %(devices)s::text[], %(models)s::text[], %(systems)s::text[],
            %(browsers)s::text[])
ON CONFLICT (user_agent) DO NOTHING
