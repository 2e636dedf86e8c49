-- The partitions that lie wholly before the given age; the hour is for clocks that differ, and for batches under way.
SELECT c.relname
  FROM pg_inherits JOIN pg_class AS c ON c.oid = inhrelid, LATERAL pg_get_expr(c.relpartbound, c.oid) AS bound
 WHERE inhparent = 'events'::regclass AND bound LIKE 'FOR VALUES FROM (''%%'') TO (''%%'')'
   AND split_part(bound, '''', 4)::timestamptz <= now() - make_interval(days => %(days)s, hours => 1)
 ORDER BY c.relname
