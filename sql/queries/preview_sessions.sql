SELECT session_id, user_id, started_at, duration, events, purchases, revenue, device, browser
FROM sessions
ORDER BY started_at DESC, session_id
LIMIT %(rows)s
