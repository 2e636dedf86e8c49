-- Those named longest ago, beyond %(keep)s; the count stays.
DELETE FROM reused_event_ids
 WHERE found_at < (SELECT found_at FROM reused_event_ids ORDER BY found_at DESC OFFSET %(keep)s LIMIT 1)
