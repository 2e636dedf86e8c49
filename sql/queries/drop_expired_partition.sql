SELECT partition, from_time, to_time, rows
  FROM drop_oldest_event_partition(now() - make_interval(days => %(days)s, hours => 1))
