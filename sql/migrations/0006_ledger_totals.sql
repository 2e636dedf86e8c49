-- What the ledger's tables were ever given, beside them. The rows and the rights come with postgres_setup.sql.
CREATE TABLE IF NOT EXISTS ledger_totals (
    of_table text PRIMARY KEY CHECK (of_table IN ('ingest_files', 'ingest_batches')),
    rows     bigint,
    ids      numeric
);
