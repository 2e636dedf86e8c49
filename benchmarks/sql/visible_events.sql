SELECT event_id::text FROM {table}
WHERE event_id = ANY(%(ids)s::uuid[]) AND event_time = ANY(%(times)s::timestamptz[])
