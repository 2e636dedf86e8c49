-- Sessions with an event in the span, or recorded as started in it.
SELECT summary_key(session_id) FROM events
WHERE event_time >= %(start)s AND event_time < %(stop)s AND batch_id <= %(target)s
UNION
SELECT session_id FROM sessions
WHERE started_at >= %(start)s AND started_at < %(stop)s
