-- Sessions that started before `start` stay: their events are partly dropped. Where `session_ids` is given,
-- no other session goes.
DELETE FROM sessions
WHERE started_at >= %(start)s
  AND (%(session_ids)s::text[] IS NULL OR session_id = ANY (%(session_ids)s::text[]))
