SELECT pg_relation_size(%(rows)s::regclass) / current_setting('block_size')::bigint
