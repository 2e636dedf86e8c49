-- Upload space that a former stream left behind: the lease is ours, so none of it is in use.
SELECT c.relname
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'staging' AND c.relkind = 'r' AND c.relname ~ '^(events|rejects|rows)_e[0-9]+_'
  AND substring(c.relname FROM '_e([0-9]+)_')::bigint < %(epoch)s
