INSERT INTO schema_versions (version) SELECT generate_series(1, %(newest)s) ON CONFLICT DO NOTHING
