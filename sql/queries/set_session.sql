-- The settings of this session, and what each is now. No operator, and no name without its schema: until this has run,
-- the search path is what the role or the database says.
SELECT wanted.name, pg_catalog.set_config(wanted.name, wanted.value, false) AS value
  FROM ROWS FROM (pg_catalog.unnest(%(names)s::pg_catalog.text[]), pg_catalog.unnest(%(values)s::pg_catalog.text[]))
       AS wanted (name, value)
