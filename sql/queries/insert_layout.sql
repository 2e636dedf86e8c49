INSERT INTO ingest_layouts (columns, delimiter, escape) VALUES (%(columns)s, %(delimiter)s, %(escape)s)
ON CONFLICT (columns, delimiter, coalesce(escape, '')) DO NOTHING
