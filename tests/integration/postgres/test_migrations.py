"""Upgrades: a database of the first release, with rows in it, becomes what a new one is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from databases import RunningServer, run_sql
from ledger_books import consistent_history

from clickstream_assets.conservation.audit import verify
from clickstream_assets.database import connect
from clickstream_assets.database_url import with_database
from clickstream_assets.errors import DatabaseError
from clickstream_assets.paths import SQL_DIR
from clickstream_assets.postgres.schema import apply_schema
from clickstream_assets.sql_files import migrations, newest_version

FIRST_RELEASE = Path(__file__).parents[2] / "data" / "schema_version_1.sql"
CATALOGUE = """
    SELECT 'column', c.relname, a.attname, format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull
           || coalesce(' ' || pg_get_expr(d.adbin, d.adrelid), '')
      FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
     WHERE c.relnamespace = 'public'::regnamespace AND c.relname NOT LIKE 'events\\_y%'
    UNION ALL
    SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
     WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text NOT LIKE 'events\\_y%'
    UNION ALL
    SELECT 'privilege', relname, relkind::text, relacl::text FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE 'events\\_y%'
    UNION ALL
    SELECT 'function', proname, proacl::text, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'comment', objoid::regclass::text, objsubid::text, description FROM pg_description
     WHERE classoid = 'pg_class'::regclass AND objoid::regclass::text NOT LIKE 'pg\\_%'
       AND objoid >= 16384
    UNION ALL
    SELECT 'version', version::text, '', '' FROM schema_versions
    ORDER BY 1, 2, 3, 4"""


@pytest.fixture
def databases_of_two(postgres_server: RunningServer) -> Iterator[tuple[str, str]]:
    """The owner's URLs of two databases without a schema."""
    names = [f"upgrade_{uuid4().hex}" for _ in range(2)]
    for name in names:
        run_sql(postgres_server.url, f"CREATE DATABASE {name}")
    yield with_database(postgres_server.url, names[0]), with_database(postgres_server.url, names[1])
    for name in names:
        run_sql(postgres_server.url, f"DROP DATABASE {name} WITH (FORCE)")


def test_a_database_of_the_first_release_becomes_like_a_new_one_and_keeps_its_rows(
    databases_of_two: tuple[str, str], postgres_server: RunningServer
) -> None:
    old, new = databases_of_two
    passwords = {"writer": postgres_server.password, "reader": postgres_server.password}
    run_sql(old, FIRST_RELEASE.read_text())
    consistent_history(old)
    before = run_sql(old, "SELECT file_id, rows_read FROM ingest_files ORDER BY file_id")
    apply_schema(old, passwords)  # type: ignore[arg-type]
    apply_schema(new, passwords)  # type: ignore[arg-type]
    assert run_sql(old, CATALOGUE) == run_sql(new, CATALOGUE)
    assert run_sql(old, "SELECT file_id, rows_read FROM ingest_files ORDER BY file_id") == before
    connection = connect(old, "tests", autocommit=True)
    try:
        assert verify(connection, None).ok
    finally:
        connection.close()
    assert run_sql(old, "SELECT max(version) FROM schema_versions") == [(newest_version(),)]
    # A partition of before has lost the constraints that its parent has lost.
    run_sql(
        old,
        "UPDATE events SET user_id = NULL, session_id = NULL, product_id = NULL, action_type = 'search'"
        " WHERE id = (SELECT min(id) FROM events)",
    )
    assert run_sql(old, "SELECT count(*)::int FROM events WHERE action_type = 'search'") == [(1,)]


def test_the_numbers_of_the_migrations_have_no_gap_and_none_is_given_twice() -> None:
    assert list(migrations()) == list(range(2, newest_version() + 1))
    assert len(migrations()) == len(list((SQL_DIR / "migrations").iterdir()))


def test_a_database_of_a_newer_program_is_left_alone(
    databases_of_two: tuple[str, str], postgres_server: RunningServer
) -> None:
    url, _ = databases_of_two
    passwords = {"writer": postgres_server.password, "reader": postgres_server.password}
    apply_schema(url, passwords)  # type: ignore[arg-type]
    run_sql(url, "INSERT INTO schema_versions (version) VALUES (99)")
    with pytest.raises(DatabaseError, match="schema version 99, and this program knows"):
        apply_schema(url, passwords)  # type: ignore[arg-type]
