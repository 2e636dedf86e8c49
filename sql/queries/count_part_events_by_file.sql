SELECT file_id, count(*), min(event_time), max(event_time),
    array_agg(DISTINCT date_trunc('month', event_time AT TIME ZONE 'UTC')::date)
FROM {events}
GROUP BY file_id
