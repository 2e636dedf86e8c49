SELECT DISTINCT summary_key(user_agent)
FROM events
WHERE batch_id > %(through)s AND batch_id <= %(target)s
  AND user_agent IS NOT NULL
  AND NOT EXISTS (SELECT FROM user_agents WHERE user_agents.user_agent = summary_key(events.user_agent))
