-- From when on events are taken in: what retention dropped does not come back. Null: nothing was dropped.
SELECT max(to_time) FROM dropped_partitions
