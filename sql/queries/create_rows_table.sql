-- Where Spark's JDBC writer puts the rows of one micro-batch, events and rejects. Unlogged: it lives for seconds.
CREATE UNLOGGED TABLE {rows} ({columns}) WITH (autovacuum_enabled = off)
