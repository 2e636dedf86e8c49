-- A row a month that retention dropped: few.
SELECT coalesce(sum(rows), 0)::bigint AS rows, count(*) AS partitions, max(to_time) AS events_from
  FROM dropped_partitions
