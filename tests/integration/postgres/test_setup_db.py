"""`setup-db`: repeated, at once with itself, by an owner that is no superuser, on a server that is too old."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import cast
from uuid import uuid4

import psycopg2
import psycopg2.errors
import pytest
from databases import TEST_CONFIGURATION, Database, RunningServer, run_sql
from psycopg2.extensions import connection as Connection

from clickstream_assets.database import connect
from clickstream_assets.database_url import with_database, with_identity
from clickstream_assets.errors import DatabaseError, SettingsError
from clickstream_assets.fitness import check_server
from clickstream_assets.postgres import schema
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.postgres.roles import ROLE_NAMES
from clickstream_assets.postgres.schema import apply_schema, setup_dagster_database, setup_databases
from clickstream_assets.postgres.server import PostgresServer
from clickstream_assets.settings import Settings
from spark.lease import Lease


@pytest.fixture
def empty(postgres_server: RunningServer) -> Iterator[str]:
    """The owner's URL of a database without a schema."""
    name = f"empty_{uuid4().hex}"
    run_sql(postgres_server.url, f"CREATE DATABASE {name}")
    yield with_database(postgres_server.url, name)
    run_sql(postgres_server.url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def passwords(postgres_server: RunningServer) -> dict[str, str]:
    """Roles belong to the whole server: other tests need them unchanged."""
    return {"writer": postgres_server.password, "reader": postgres_server.password}


def everything(url: str) -> list[tuple[object, ...]]:
    return run_sql(
        url,
        "SELECT c.oid, relname, relkind, relacl::text FROM pg_class c WHERE relnamespace = 'public'::regnamespace "
        "UNION ALL SELECT oid, proname, prokind, proacl::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace "
        "ORDER BY 1",
    )


def test_a_second_time_it_changes_nothing(empty: str, passwords: dict[str, str]) -> None:
    apply_schema(empty, passwords)
    run_sql(empty, "UPDATE stream_lease SET epoch = 7")
    before = everything(empty)
    assert len(before) > 20
    apply_schema(empty, passwords)
    assert everything(empty) == before
    assert run_sql(empty, "SELECT epoch FROM stream_lease") == [(7,)]


def test_several_at_once_all_succeed(empty: str, passwords: dict[str, str]) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: apply_schema(empty, passwords), range(4)))
    assert run_sql(empty, "SELECT count(*) FROM stream_lease") == [(1,)]


def test_an_error_leaves_nothing_behind(
    empty: str, passwords: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (schema.SQL_DIR / "postgres_setup.sql").read_text()
    (tmp_path / "postgres_setup.sql").write_text(text + "\nSELECT 1 / 0;\n")
    monkeypatch.setattr(schema, "SQL_DIR", tmp_path)
    with pytest.raises(psycopg2.errors.DivisionByZero):
        apply_schema(empty, passwords)
    assert everything(empty) == []


def test_a_long_transaction_in_the_way_is_one_sentence(
    empty: str,
    passwords: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    postgres_server: RunningServer,
    tmp_path: Path,
) -> None:
    apply_schema(empty, passwords)
    monkeypatch.setattr(schema, "LOCK_LIMIT", "100ms")
    monkeypatch.setenv("CLICKSTREAM_WRITER_PASSWORD", postgres_server.password)
    monkeypatch.setenv("CLICKSTREAM_READER_PASSWORD", postgres_server.password)
    settings = Settings.from_env({"CLICKSTREAM_HOME": str(tmp_path), "CLICKSTREAM_DATABASE_URL": empty})
    blocker = connect(empty, "tests")
    try:
        blocker.cursor().execute("LOCK TABLE ingest_files IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(DatabaseError, match=r"in use by a long transaction \(waited 100ms\)"):
            setup_databases(Connections(settings))
    finally:
        blocker.close()


@pytest.fixture
def plain_owner(postgres_server: RunningServer) -> Iterator[str]:
    """A database whose owner is no superuser, as managed services give it: the owner's URL."""
    name, role = f"managed_{uuid4().hex}", f"boss_{uuid4().hex}"
    run_sql(postgres_server.url, f"CREATE ROLE {role} LOGIN PASSWORD 'x' CREATEROLE CREATEDB")
    run_sql(postgres_server.url, f"CREATE DATABASE {name} OWNER {role}")
    yield with_identity(with_database(postgres_server.url, name), role, "x")
    run_sql(postgres_server.url, f"DROP DATABASE {name} WITH (FORCE)")
    run_sql(postgres_server.url, f"DROP ROLE {role}")


def test_an_owner_without_createrole_is_told_what_to_do(
    postgres_server: RunningServer, plain_owner: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The roles are there (the session's template made them), and belong to somebody else.
    settings = Settings.from_env({"CLICKSTREAM_HOME": str(tmp_path), "CLICKSTREAM_DATABASE_URL": plain_owner})
    with pytest.raises(DatabaseError, match=r"^the owner of the database may not set it up .* CREATEROLE"):
        setup_databases(Connections(settings), take_roles=True)
    assert everything(plain_owner) == []


def test_an_owner_that_is_no_superuser_sets_up_a_server_of_its_own(scratch: Path) -> None:
    server = PostgresServer(scratch / "postgres", TEST_CONFIGURATION)
    try:
        server.start("x")
        admin = f"postgresql://clickstream:x@127.0.0.1:{server.port}/postgres"
        run_sql(admin, "CREATE ROLE boss LOGIN PASSWORD 'x' CREATEROLE CREATEDB")
        run_sql(admin, "CREATE DATABASE shop OWNER boss")
        owner = with_identity(with_database(admin, "shop"), "boss", "x")
        settings = Settings.from_env({"CLICKSTREAM_HOME": str(scratch), "CLICKSTREAM_DATABASE_URL": owner})
        setup_databases(Connections(settings))
        setup_databases(Connections(settings))
        assert run_sql(Connections(settings).url("reader"), "SELECT count(*) FROM events") == [(0,)]
        run_sql(
            Connections(settings).url("writer"), "SELECT ensure_event_partitions(ARRAY['2026-01-01'::date])"
        )
        run_sql(Connections(settings).url("dagster"), "CREATE TABLE runs ()")
        for role in ("reader", "writer"):
            with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
                run_sql(with_database(Connections(settings).url(role), "dagster"), "SELECT 1")
        log = "".join(file.read_text() for file in (scratch / "postgres" / "log").iterdir())
        assert "SCRAM-SHA-256$" not in log
    finally:
        server.stop(immediate=True)


def test_passwords_reach_the_server_as_verifiers_only(postgres_server: RunningServer, empty: str) -> None:
    role = f"probe_{uuid4().hex}"
    run_sql(postgres_server.url, f"CREATE ROLE {role} LOGIN")
    try:
        connection = connect(empty, "tests", autocommit=True)
        try:
            seen: list[object] = []
            cursor_class = type("Spy", (psycopg2.extensions.cursor,), {})

            def execute(self: object, statement: object, parameters: object = None) -> None:
                seen.append((statement, parameters))
                psycopg2.extensions.cursor.execute(self, statement, parameters)  # type: ignore[arg-type]

            cursor_class.execute = execute  # type: ignore[attr-defined]
            connection.cursor_factory = cursor_class
            schema._set_password(connection, role, "s3cret text")
        finally:
            connection.close()
        assert seen
        assert "s3cret" not in repr(seen)
        assert run_sql(with_identity(empty, role, "s3cret text"), "SELECT current_user") == [(role,)]
    finally:
        run_sql(postgres_server.url, f"DROP ROLE {role}")


def test_dagsters_database_is_made_once_and_is_its_roles_own(postgres_server: RunningServer) -> None:
    role = ROLE_NAMES["dagster"]
    try:
        for _ in range(2):
            setup_dagster_database(postgres_server.url, "x")
        url = with_identity(with_database(postgres_server.url, "dagster"), role, "x")
        run_sql(url, "CREATE TABLE mine ()")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            run_sql(url, "CREATE ROLE intruder")
    finally:
        run_sql(postgres_server.url, "DROP DATABASE IF EXISTS dagster WITH (FORCE)")
        run_sql(postgres_server.url, f"DROP ROLE IF EXISTS {role}")


def test_an_old_server_is_one_sentence() -> None:
    def server(number: int, text: str) -> Connection:
        found = {"server_version": text, "server_encoding": "UTF8"}
        info = SimpleNamespace(parameter_status=found.get)
        return cast(Connection, SimpleNamespace(server_version=number, info=info))

    with pytest.raises(DatabaseError, match=r"^the server is PostgreSQL 13\.14: .* 14 or newer\.$"):
        check_server(server(130014, "13.14"))
    check_server(server(140000, "14.0"))


def test_a_second_installation_on_the_server_leaves_the_roles_of_the_first_alone(
    empty: str, database: Database, passwords: dict[str, str]
) -> None:
    """It once changed their passwords, and the first one's stream could not log in any more."""
    with pytest.raises(
        DatabaseError, match="the role clickstream_writer has another password and works for another"
    ):
        apply_schema(empty, {"writer": "another", "reader": "another"})
    assert everything(empty) == []
    assert run_sql(database.writer_url, "SELECT 1") == [(1,)]
    apply_schema(empty, passwords)  # the same ones are no harm


def test_the_passwords_can_be_taken_all_the_same(empty: str, passwords: dict[str, str]) -> None:
    apply_schema(empty, passwords | {"reader": "another"}, take_roles=True)
    try:
        assert run_sql(with_identity(empty, ROLE_NAMES["reader"], "another"), "SELECT 1") == [(1,)]
    finally:
        apply_schema(empty, passwords, take_roles=True)


@pytest.fixture
def prefix(postgres_server: RunningServer, empty: str) -> Iterator[str]:
    """Role names of another installation, gone afterwards."""
    prefix = f"second_{uuid4().hex[:8]}"
    yield prefix
    run_sql(postgres_server.url, f"DROP DATABASE IF EXISTS {prefix}_dagster WITH (FORCE)")
    for role in ("writer", "reader", "dagster"):
        for url in (empty, postgres_server.url):
            run_sql(url, f"DROP OWNED BY {prefix}_{role}")
        run_sql(postgres_server.url, f"DROP ROLE {prefix}_{role}")


def test_a_second_installation_has_roles_and_a_dagster_of_its_own_by_a_prefix(
    empty: str, database: Database, prefix: str, tmp_path: Path
) -> None:
    settings = Settings.from_env(
        {
            "CLICKSTREAM_HOME": str(tmp_path),
            "CLICKSTREAM_DATABASE_URL": empty,
            "CLICKSTREAM_ROLE_PREFIX": prefix,
        }
    )
    for _ in range(2):
        setup_databases(Connections(settings))
    writer, reader = Connections(settings).url("writer"), Connections(settings).url("reader")
    Lease(writer, "continuous", None, print).release("test")
    assert run_sql(writer, "SELECT current_user::text") == [(f"{prefix}_writer",)]
    assert run_sql(reader, "SELECT count(*)::int FROM events") == [(0,)]
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        run_sql(reader, "UPDATE stream_lease SET epoch = 1")
    owned = "SELECT current_database()::text, current_user::text"
    assert run_sql(Connections(settings).url("dagster"), owned) == [
        (f"{prefix}_dagster", f"{prefix}_dagster")
    ]
    rights = "SELECT has_table_privilege('clickstream_writer', 'events', 'INSERT')"
    assert run_sql(empty, rights) == [(False,)]
    assert run_sql(database.writer_url, "SELECT 1") == [(1,)]


@pytest.mark.parametrize("text", ["1shop", "Shop", "shop-2", "pg_shop", "s" * 41, "a;b", "a'b"])
def test_a_prefix_that_is_no_plain_name_is_one_sentence(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match="CLICKSTREAM_ROLE_PREFIX is "):
        Settings.from_env({"CLICKSTREAM_HOME": str(tmp_path), "CLICKSTREAM_ROLE_PREFIX": text})
