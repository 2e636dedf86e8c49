SELECT device, model, system, browser, user_agent
FROM user_agents
ORDER BY user_agent_id DESC
LIMIT %(rows)s
