"""What each role may do. Guards against a GRANT that is wider than the work needs."""

from __future__ import annotations

import psycopg2
import psycopg2.errors
import pytest
from databases import Database, run_sql

from clickstream_assets.database_url import with_identity


def test_the_reader_reads_every_table(database: Database) -> None:
    tables = run_sql(
        database.owner_url,
        "SELECT quote_ident(relname) FROM pg_class WHERE relkind IN ('r', 'p', 'v') "
        "AND relnamespace = 'public'::regnamespace",
    )
    assert len(tables) > 5
    for (table,) in tables:
        run_sql(database.reader_url, f"SELECT * FROM {table} LIMIT 1")


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO schema_versions VALUES (99)",
        "DELETE FROM events",
        "UPDATE stream_lease SET epoch = 99",
        "TRUNCATE events",
        "CREATE TABLE mine (x int)",
        "CREATE SCHEMA mine",
        "CREATE TABLE staging.mine (x int)",
        "DROP TABLE events",
        "SELECT nextval('events_id_seq')",
        "SELECT ensure_event_partitions(ARRAY['2026-01-01'::date])",
        "CREATE ROLE intruder",
        "COPY events TO PROGRAM 'true'",
    ],
)
def test_the_reader_changes_nothing(database: Database, statement: str) -> None:
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        run_sql(database.reader_url, statement)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (x int)",
        "CREATE SCHEMA mine",
        "DELETE FROM events",
        "UPDATE events SET price = 0",
        "TRUNCATE events",
        "DROP TABLE events",
        "DELETE FROM ingest_files",
        "DELETE FROM ingest_batches",
        "UPDATE ingest_batches SET rows_read = 0",
        "DELETE FROM rejected_events",
        "UPDATE rejected_events SET raw = ''",
        "INSERT INTO schema_versions VALUES (99)",
        "CREATE ROLE intruder",
        "COPY events TO PROGRAM 'true'",
    ],
)
def test_the_writer_cannot_rewrite_history_nor_change_the_schema(database: Database, statement: str) -> None:
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        run_sql(database.writer_url, statement)


def test_the_writer_makes_partitions_through_the_function_alone(database: Database) -> None:
    assert run_sql(database.writer_url, "SELECT ensure_event_partitions(ARRAY['2026-01-01'::date])") == [(1,)]


def test_a_wrong_password_is_refused(database: Database) -> None:
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        run_sql(with_identity(database.owner_url, "clickstream_reader", "wrong"), "SELECT 1")
