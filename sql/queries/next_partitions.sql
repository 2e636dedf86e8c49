-- Of this month and the next.
SELECT ensure_event_partitions(ARRAY[now(), now() + interval '1 month']::date[])
