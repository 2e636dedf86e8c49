SELECT user_agent FROM user_agents
