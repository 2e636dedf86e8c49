-- What a data catalogue was told by OpenLineage (lineage_sent): a table, which postgres_setup.sql makes.
SELECT;
