-- Of streams that were killed: the lease is ours, so none of it is in use.
DELETE FROM staging.finished_parts
