INSERT INTO ingest_layouts (columns, delimiter) VALUES (%(columns)s, %(delimiter)s)
ON CONFLICT (columns, delimiter) DO NOTHING
