-- From where on retention has kept events, in microseconds since 1970; null where it never dropped any.
SELECT (extract(epoch FROM max(to_time)) * 1000000)::bigint FROM dropped_partitions
