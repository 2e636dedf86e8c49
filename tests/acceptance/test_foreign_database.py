"""The stream as a program on somebody else's database: one with settings of its own, behind a pooler, and a standby.

Guards against a stream that ends at the first file after a pause, against times that are an hour wrong, and against a
traceback where a sentence would do.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from databases import Database, run_sql
from foreign_servers import (
    debian_postgres,
    debian_postgres_server,
    needs_debian_postgres,
    needs_pooler,
    pgbouncer,
)
from stream_program import START_LIMIT, Stream, start_stream, wait_until

from clickstream_assets.database_url import with_database, with_identity
from clickstream_assets.outages.stream_waits import read_waits
from clickstream_assets.postgres.roles import ROLE_NAMES
from clickstream_assets.postgres.schema import apply_schema

HEADER = "user_id,session_id,action_type,product_id,event_time,price\n"
PAUSE = "idle_session_timeout = '5s'"


@pytest.fixture
def directory(scratch: Path) -> Path:
    """Where the account of the server may write too."""
    scratch.chmod(0o777)
    (scratch / "events").mkdir()
    return scratch


@pytest.fixture
def shop(directory: Path) -> Iterator[Database]:
    """A database in Berlin, whose writer looks into another schema and may be idle for five seconds."""
    with debian_postgres(directory, initdb=("--encoding=UTF8", "--locale=C")) as server:
        run_sql(server, "CREATE DATABASE shop")
        owner = with_database(server, "shop")
        apply_schema(owner, {"writer": "w", "reader": "r"})
        run_sql(owner, "ALTER DATABASE shop SET TimeZone = 'Europe/Berlin'")
        for setting in (
            "search_path = app",
            PAUSE,
            "client_encoding = 'LATIN1'",
            "statement_timeout = '20s'",
        ):
            run_sql(owner, f"ALTER ROLE clickstream_writer SET {setting}")
        writer, reader = (with_identity(owner, ROLE_NAMES[role], role[0]) for role in ("writer", "reader"))
        yield Database("shop", owner, writer, reader)


def put(directory: Path, name: str, time: str) -> None:
    hidden = directory / "events" / f".{name}"
    hidden.write_text(f"{HEADER}ü,s,view,日,{time},1.50\n")
    hidden.rename(hidden.with_name(name))


def stored(shop: Database) -> list[tuple[object, ...]]:
    return run_sql(
        shop.owner_url, "SELECT user_id, product_id, event_time::text FROM events ORDER BY event_time"
    )


def ended(stream: Stream) -> tuple[int, str]:
    return stream.process.wait(START_LIMIT), stream.last_line()


@needs_debian_postgres
def test_a_stream_outlives_the_pauses_and_the_settings_of_a_role(shop: Database, directory: Path) -> None:
    put(directory, "a.csv", "2026-07-01 12:00:00")
    stream = start_stream(shop.writer_url, directory / "home", directory / "events", 1, available_now=False)
    try:
        wait_until(lambda: len(stored(shop)) == 1, stream)
        idle = psycopg2.connect(
            shop.writer_url
        )  # ended by the server once it has been idle for as long as ours
        pid = {"pid": idle.info.backend_pid}
        alive = "SELECT FROM pg_stat_activity WHERE pid = %(pid)s"
        wait_until(lambda: not run_sql(shop.owner_url, alive, pid), stream)
        put(directory, "b.csv", "2026-07-01 13:00:00")
        wait_until(lambda: len(stored(shop)) == 2, stream)
    finally:
        stream.process.terminate()
    assert stream.process.wait(START_LIMIT) == 0
    assert stored(shop) == [("ü", "日", "2026-07-01 12:00:00+00"), ("ü", "日", "2026-07-01 13:00:00+00")]


@needs_debian_postgres
@needs_pooler
def test_the_stream_goes_through_a_pooler_of_sessions_and_refuses_one_of_transactions(
    shop: Database, directory: Path
) -> None:
    users = {ROLE_NAMES["writer"]: "w", ROLE_NAMES["reader"]: "r"}
    put(directory, "a.csv", "2026-07-01 12:00:00")
    with pgbouncer(directory, shop, users, mode="transaction") as pooled:
        code, said = ended(start_stream(pooled.writer_url, directory / "home", directory / "events", 1))
        assert (code, stored(shop)) == (2, [])
        assert said.startswith("clickstream stream: the way to the database is a pooler in transaction mode")
    with pgbouncer(directory, shop, users, mode="session") as pooled:
        code, said = ended(start_stream(pooled.writer_url, directory / "home", directory / "events", 2))
        assert code == 0, said
    assert stored(shop) == [("ü", "日", "2026-07-01 12:00:00+00")]


@needs_debian_postgres
def test_the_stream_on_a_standby_says_so_and_begins_when_that_is_promoted(
    shop: Database, directory: Path
) -> None:
    put(directory, "a.csv", "2026-07-01 12:00:00")
    with debian_postgres_server(directory, copy_of=shop.owner_url) as standby:
        owner = with_database(standby.url, "shop")
        writer, home = with_identity(owner, ROLE_NAMES["writer"], "w"), directory / "home"
        stream = start_stream(writer, home, directory / "events", 1, available_now=False)
        try:
            wait_until(lambda: "it is a standby" in str(read_waits(home)), stream)
            standby.promote()
            told = "SELECT user_id, product_id, event_time::text FROM events"
            wait_until(lambda: run_sql(owner, told) == [("ü", "日", "2026-07-01 12:00:00+00")], stream)
        finally:
            stream.process.terminate()
        assert stream.process.wait(START_LIMIT) == 0
        assert read_waits(home) is None
