"""Databases, roles and poolers that were set up by somebody else for something else. Guards against times that are an
hour wrong, text in another encoding, limits that end a stream, and a lock that holds nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import psycopg2.errors
import pytest
from click.testing import CliRunner
from control_plane import wait_until
from databases import Database, RunningServer, run_sql
from foreign_servers import debian_postgres, needs_debian_postgres, needs_pooler, pgbouncer
from psycopg2 import sql

from clickstream_assets.cli.__main__ import clickstream
from clickstream_assets.database import SESSION, connect
from clickstream_assets.database_url import with_database, with_identity
from clickstream_assets.errors import DatabaseError
from clickstream_assets.file_names import EventsDirectory
from clickstream_assets.fitness import check_own_sessions, sentence_of, why_read_only
from clickstream_assets.monitoring.status import read_status
from clickstream_assets.monitoring.status_line import status_line
from clickstream_assets.monitoring.status_text import status_text
from clickstream_assets.postgres.roles import ROLE_NAMES
from clickstream_assets.postgres.schema import apply_schema
from spark.lease import Lease
from spark.sink.jdbc import check_arrays

HOSTILE = {
    "search_path": "app, pg_catalog",
    "client_encoding": "LATIN1",
    "TimeZone": "Europe/Berlin",
    "DateStyle": "SQL, DMY",
    "IntervalStyle": "iso_8601",
    "bytea_output": "escape",
    "extra_float_digits": "-10",
    "standard_conforming_strings": "off",
    "array_nulls": "off",
    "default_transaction_isolation": "serializable",
    "default_transaction_deferrable": "on",
    "statement_timeout": "1s",
    "lock_timeout": "1s",
    "idle_session_timeout": "300ms",
    "idle_in_transaction_session_timeout": "300ms",
}


def set_for(url: str, whom: str, settings: dict[str, str]) -> None:
    """`whom`: DATABASE d, or ROLE r IN DATABASE d."""
    for name, value in settings.items():
        listed = name in ("search_path", "DateStyle")
        values = value.split(", ") if listed else [value]
        text = sql.SQL("{} = {}").format(sql.Identifier(name), sql.SQL(", ").join(map(sql.Literal, values)))
        with closing(connect(url, "tests", autocommit=True)) as connection:
            connection.cursor().execute(sql.SQL(f"ALTER {whom} SET ") + text)


@pytest.fixture(params=["DATABASE {database}", "ROLE clickstream_writer IN DATABASE {database}"])
def hostile(database: Database, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A database, or a role in it, with settings of its own."""
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    set_for(database.owner_url, request.param.format(database=database.name), HOSTILE)
    return database


def test_every_setting_of_a_session_is_tried() -> None:
    assert set(HOSTILE) == set(SESSION)


def test_a_session_is_ours_whatever_role_and_database_say(hostile: Database) -> None:
    with closing(psycopg2.connect(hostile.writer_url)) as plain, plain.cursor() as cursor:
        cursor.execute("SHOW TimeZone")
        assert cursor.fetchone() == ("Europe/Berlin",), "the condition that is tried"
    with closing(connect(hostile.writer_url, "tests")) as connection, connection.cursor() as cursor:
        for name, value in SESSION.items():
            cursor.execute(f"SHOW {name}")
            assert cursor.fetchone() == (value,), name
        connection.rollback()
        cursor.execute("SHOW TimeZone")
        assert cursor.fetchone() == ("UTC",), "a rollback does not take it back"
        cursor.execute("SELECT '2026-07-01 12:00'::timestamptz = '2026-07-01 12:00+00', '€ 日本'")
        assert cursor.fetchone() == (True, "€ 日本")
        cursor.execute("SELECT count(*) FROM events")
        assert cursor.fetchone() == (0,)


def test_a_session_outlives_the_limits_of_role_and_database(hostile: Database) -> None:
    """A stream once ended at the first file after a pause: its session had been idle for five seconds."""
    with (
        closing(psycopg2.connect(hostile.writer_url)) as plain,
        closing(connect(hostile.writer_url, "tests", autocommit=True)) as idle,
        closing(connect(hostile.writer_url, "tests")) as in_transaction,
    ):
        in_transaction.cursor().execute("SELECT 1")
        pid = {"pid": plain.info.backend_pid}
        alive = "SELECT count(*)::int FROM pg_stat_activity WHERE pid = %(pid)s"
        wait_until(lambda: run_sql(hostile.owner_url, alive, pid) == [(0,)])
        idle.cursor().execute("SELECT 1")
        in_transaction.cursor().execute("SELECT 1")


def test_a_role_that_makes_a_text_of_null_in_arrays_is_refused_for_the_jdbc_sink(database: Database) -> None:
    check_arrays(database.writer_url)
    set_for(
        database.owner_url, f"ROLE clickstream_writer IN DATABASE {database.name}", {"array_nulls": "off"}
    )
    with pytest.raises(DatabaseError, match=r"^array_nulls is off for the role that writes"):
        check_arrays(database.writer_url)


@pytest.mark.parametrize(
    ("given", "ours"), [("off", "on"), ("local", "local"), ("remote_apply", "remote_apply")]
)
def test_what_is_committed_is_on_disk_and_a_stricter_choice_stands(
    database: Database, given: str, ours: str
) -> None:
    set_for(database.owner_url, f"DATABASE {database.name}", {"synchronous_commit": given})
    assert run_sql(database.writer_url, "SHOW synchronous_commit") == [(ours,)]


@pytest.fixture
def open_directory(scratch: Path) -> Path:
    """Where the account that runs a foreign server may write."""
    scratch.chmod(0o777)
    return scratch


@pytest.fixture
def pooled(
    database: Database, postgres_server: RunningServer, open_directory: Path, request: pytest.FixtureRequest
) -> Iterator[Database]:
    """The database, in the time zone of Berlin, behind a pooler that drops the options of a start."""
    set_for(database.owner_url, f"DATABASE {database.name}", {"TimeZone": "Europe/Berlin"})
    names = (ROLE_NAMES["owner"], ROLE_NAMES["writer"], ROLE_NAMES["reader"])
    users = dict.fromkeys(names, postgres_server.password)
    with pgbouncer(open_directory, database, users, mode=request.param) as pooled:
        yield pooled


@needs_pooler
@pytest.mark.parametrize("pooled", ["session"], indirect=True)
def test_through_a_pooler_of_sessions_times_are_utc_and_the_lease_holds(pooled: Database) -> None:
    told = run_sql(pooled.writer_url, "SELECT '2026-07-01 12:00'::timestamptz = '2026-07-01 12:00+00'")
    assert told == [(True,)]
    Lease(pooled.writer_url, "continuous", None, print).release("test")


@needs_pooler
@pytest.mark.parametrize("pooled", ["transaction"], indirect=True)
def test_through_a_pooler_of_transactions_no_stream_starts(pooled: Database, database: Database) -> None:
    with pytest.raises(DatabaseError, match=r"^the way to the database is a pooler in transaction mode"):
        Lease(pooled.writer_url, "continuous", None, print)
    others = [connect(pooled.writer_url, "tests", autocommit=True) for _ in range(3)]
    for connection in others:  # the pooler has several sessions now
        connection.cursor().execute("SELECT 1")
    with pytest.raises(DatabaseError, match="pooler in transaction mode"):
        check_own_sessions(pooled.writer_url)
    for connection in others:
        connection.close()
    Lease(database.writer_url, "continuous", None, print).release("the lock was not left behind")


def test_sessions_of_our_own_are_known_as_such(database: Database) -> None:
    check_own_sessions(database.writer_url)


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_in_another_encoding_is_refused_in_one_sentence(
    postgres_server: RunningServer, encoding: str
) -> None:
    name = f"test_{encoding.lower()}"
    run_sql(
        postgres_server.url,
        f"CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' LOCALE_PROVIDER libc "
        "TEMPLATE template0",
    )
    try:
        with pytest.raises(
            DatabaseError, match=f"stores text as {encoding}, and events need UTF8: make another"
        ):
            apply_schema(with_database(postgres_server.url, name), {})
    finally:
        run_sql(postgres_server.url, f"DROP DATABASE {name} WITH (FORCE)")


def read_only_status(database: Database, directory: Path) -> str | None:
    with closing(connect(database.reader_url, "tests", autocommit=True)) as connection:
        status = read_status(connection, EventsDirectory(directory))
    if status.read_only:
        assert status.read_only in status_text(status)
        assert status.read_only.rstrip(".") in status_line(status)
    return status.read_only


@pytest.mark.parametrize("whom", ["DATABASE {}", "ROLE clickstream_writer IN DATABASE {}"])
def test_a_database_that_was_made_read_only_is_one_sentence_and_status_says_it(
    database: Database, tmp_path: Path, whom: str
) -> None:
    assert read_only_status(database, tmp_path) is None
    set_for(database.owner_url, whom.format(database.name), {"default_transaction_read_only": "on"})
    with pytest.raises(
        DatabaseError, match=r"^the database is read-only \(its default_transaction_read_only is on"
    ):
        Lease(database.writer_url, "continuous", None, print)
    assert "default_transaction_read_only" in str(read_only_status(database, tmp_path))
    with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction) as refused:
        run_sql(database.writer_url, "UPDATE stream_lease SET failures = 0")
    assert sentence_of(refused.value).startswith("the database is read-only (cannot execute UPDATE")


def test_a_reader_that_may_only_read_says_nothing_about_the_stream(
    database: Database, tmp_path: Path
) -> None:
    reader = f"ROLE clickstream_reader IN DATABASE {database.name}"
    set_for(database.owner_url, reader, {"default_transaction_read_only": "on"})
    assert read_only_status(database, tmp_path) is None
    Lease(database.writer_url, "continuous", None, print).release("test")


@pytest.fixture
def foreign(open_directory: Path) -> Iterator[Callable[..., Database]]:
    """Debian's PostgreSQL with the schema; its superuser needs no password."""
    with debian_postgres(open_directory, initdb=("--encoding=UTF8", "--locale=C")) as url:
        run_sql(url, "CREATE DATABASE shop")
        owner = with_database(url, "shop")
        apply_schema(owner, {"writer": "w", "reader": "r"})
        yield lambda owner=owner: Database(
            "shop", owner, *(with_identity(owner, ROLE_NAMES[role], "x") for role in ("writer", "reader"))
        )


@needs_debian_postgres
def test_the_server_of_a_distribution_takes_schema_session_and_lease(
    foreign: Callable[..., Database],
) -> None:
    database = foreign()
    first = Lease(database.writer_url, "continuous", None, print)
    with closing(connect(database.reader_url, "tests", autocommit=True)) as connection:
        assert read_status(connection, EventsDirectory(Path("/none"))).lease.lock_held
    first.release("test")
    assert run_sql(database.writer_url, "SELECT ensure_event_partitions(ARRAY['2026-01-01'::date])") == [(1,)]


@needs_debian_postgres
def test_a_standby_is_one_sentence_and_status_says_it(
    foreign: Callable[..., Database], open_directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with debian_postgres(open_directory, copy_of=foreign().owner_url) as url:
        standby = foreign(with_database(url, "shop"))
        with pytest.raises(DatabaseError, match=r"^the database is read-only \(it is a standby"):
            Lease(standby.writer_url, "continuous", None, print)
        assert "standby" in str(read_only_status(standby, tmp_path))
        with closing(connect(standby.writer_url, "tests")) as connection:
            assert why_read_only(connection, "nobody") is not None
        monkeypatch.setenv("CLICKSTREAM_DATABASE_URL", standby.owner_url)
        monkeypatch.setenv("CLICKSTREAM_HOME", str(tmp_path))
        done = CliRunner().invoke(clickstream, ["setup-db"])
        assert done.exit_code == 2, done.output
        assert done.stderr.startswith("clickstream: the database is read-only (it is a standby")
