-- From when on the sessions are all there, and the events too.
SELECT least(date_trunc('day', min(started_at), 'UTC'), %(floor_of_events)s::timestamptz)::text FROM sessions
