SELECT count(*) FROM user_agents
