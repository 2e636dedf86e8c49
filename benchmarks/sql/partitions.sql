SELECT ensure_event_partitions(%(months)s::date[])
