UPDATE user_agents AS known
SET device = parsed.device, model = parsed.model, system = parsed.system, browser = parsed.browser
FROM unnest(%(user_agents)s::text[], %(devices)s::text[], %(models)s::text[], %(systems)s::text[],
            %(browsers)s::text[]) AS parsed (user_agent, device, model, system, browser)
WHERE known.user_agent = parsed.user_agent
  AND (known.device, known.model, known.system, known.browser)
      IS DISTINCT FROM (parsed.device, parsed.model, parsed.system, parsed.browser)
