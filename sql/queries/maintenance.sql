-- Maintenance: partitions, retention, statistics.

-- name: maintenance.lock
-- For as long as this transaction. The mode needs the right to UPDATE, which a reader has not, and lets the steps write.
LOCK TABLE maintenance_state IN SHARE UPDATE EXCLUSIVE MODE;

-- name: maintenance.next_partitions
-- Of this month and the next.
SELECT ensure_event_partitions(ARRAY[now(), now() + interval '1 month']::date[]);

-- name: maintenance.expired_partitions
-- The partitions that lie wholly before the given age; the hour is for clocks that differ, and for batches under way.
SELECT c.relname
  FROM pg_inherits JOIN pg_class AS c ON c.oid = inhrelid, LATERAL pg_get_expr(c.relpartbound, c.oid) AS bound
 WHERE inhparent = 'events'::regclass AND bound LIKE 'FOR VALUES FROM (''%%'') TO (''%%'')'
   AND split_part(bound, '''', 4)::timestamptz <= now() - make_interval(days => %(days)s, hours => 1)
 ORDER BY c.relname;

-- name: maintenance.drop_expired_partition
SELECT partition, from_time, to_time, rows
  FROM drop_oldest_event_partition(now() - make_interval(days => %(days)s, hours => 1));

-- name: maintenance.analyze
ANALYZE {table};
