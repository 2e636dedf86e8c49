-- Every table and column has a comment, which postgres_setup.sql gives. No table changes.
SELECT;
