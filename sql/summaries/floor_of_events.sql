-- From when on the events are all there: the lower bound of the oldest partition, and nothing that retention dropped.
-- Infinity without a partition.
SELECT greatest(coalesce(min(CASE WHEN starts_with(bound, 'FOR VALUES FROM (''')
                                  THEN split_part(bound, '''', 2)::timestamptz
                                  ELSE '-infinity' END), 'infinity'),
                (SELECT max(to_time) FROM dropped_partitions))::text
FROM pg_inherits
JOIN pg_class ON pg_class.oid = inhrelid,
LATERAL pg_get_expr(relpartbound, pg_class.oid) AS bound
WHERE inhparent = 'events'::regclass
