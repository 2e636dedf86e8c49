"""One stream, and a server of Debian's PostgreSQL that goes away in every way: restarted, crashed, stopped, out of
connections, out of disk, read-only, and with each session of the stream ended for itself.

After each of them the same process goes on by itself, says so in one line, and has lost and doubled nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
import pytest
from databases import run_sql
from foreign_servers import PostgresHere, debian_postgres_server, needs_debian_postgres
from stream_program import START_LIMIT, Stream, start_stream, wait_until

from clickstream_assets.database import connect
from clickstream_assets.database_url import with_database, with_identity
from clickstream_assets.file_names import EventsDirectory
from clickstream_assets.ledger.audit import verify
from clickstream_assets.outages.stream_waits import read_waits
from clickstream_assets.postgres.credentials import ROLE_NAMES
from clickstream_assets.postgres.schema import apply_schema

pytestmark = [pytest.mark.spark, needs_debian_postgres, pytest.mark.timeout(600)]
HEADER = "user_id,session_id,action_type,product_id,event_time,price\n"
LARGE = 30_000  # rows: stored by a thread, while Spark goes on
PARTS = ["lease", "source", "sink", "batches", "intake"]


@dataclass
class Place:
    """A server, a database on it, a directory of events and a stream."""

    server: PostgresHere
    directory: Path
    stream: Stream | None = None
    rows: int = 0
    files: int = 0
    seen: int = 0  # characters of the log
    also: ExitStack = field(default_factory=ExitStack)

    @property
    def owner_url(self) -> str:
        return with_database(self.server.url, "shop")

    @property
    def writer_url(self) -> str:
        return with_identity(self.owner_url, ROLE_NAMES["writer"], "w")

    @property
    def running(self) -> Stream:
        assert self.stream is not None
        return self.stream

    def start(self, number: int, **options: object) -> Stream:
        home, events = self.directory / "home", self.directory / "events"
        self.stream = start_stream(self.writer_url, home, events, number, **options)  # type: ignore[arg-type]
        self.seen = 0
        return self.stream

    def put(self, rows: int = 1) -> None:
        self.files += 1
        hidden = self.directory / "events" / f".{self.files}.csv"
        hidden.write_text(
            HEADER + "".join(f"u{self.files}-{n},s,view,p,2026-07-01 12:00:00,1.50\n" for n in range(rows))
        )
        hidden.rename(hidden.with_name(f"{self.files}.csv"))
        self.rows += rows

    def sql(self, statement: str, **parameters: object) -> list[tuple[object, ...]]:
        return run_sql(self.owner_url, statement, parameters or None)

    def is_stored(self) -> bool:
        with suppress(psycopg2.OperationalError):
            return self.sql("SELECT count(*)::int FROM events") == [(self.rows,)]
        return False

    def waits(self) -> str:
        waits = read_waits(self.directory / "home")
        return waits.reason if waits else ""

    def new_lines(self) -> list[str]:
        """What the log has got since the last call."""
        text = self.running.log.read_text()
        new, self.seen = text[self.seen :], len(text)
        return new.splitlines()

    def goes_on(self) -> None:
        """The next file is stored, by the same process; of what was in between there are two lines."""
        self.put()
        wait_until(self.is_stored, self.running)
        wait_until(lambda: "the stream goes on" in self.running.log.read_text()[self.seen :], self.running)
        wait_until(lambda: not self.waits(), self.running)
        new = self.new_lines()
        assert not [line for line in new if "Traceback" in line or "Exception" in line], new
        # psycopg2 itself prints some when a COPY is cut off.
        said = [line for line in new if " WARN" in line or " ERROR " in line]
        begins = [line for line in said if line.endswith("the stream waits, and goes on by itself")]
        ends = [line for line in said if "is back after" in line]
        assert len(begins) == len(ends) == 1, said
        assert set(said) == {*begins, *ends}, "\n".join(said)
        with closing(connect(self.owner_url, "tests-verify")) as connection:
            audit = verify(connection, EventsDirectory(self.directory / "events"))
        assert audit.ok, audit.offences


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    import shutil
    import tempfile

    directory = Path(tempfile.mkdtemp(prefix="clickstream-test-", dir="/tmp"))
    directory.chmod(0o777)
    (directory / "events").mkdir()
    with debian_postgres_server(directory, initdb=("--encoding=UTF8", "--locale=C")) as server:
        run_sql(server.url, "CREATE DATABASE shop")
        place = Place(server, directory)
        apply_schema(place.owner_url, {"writer": "w", "reader": "r"})
        place.start(1, available_now=False)
        try:
            place.put()
            wait_until(place.is_stored, place.running)
            place.new_lines()
            yield place
        finally:
            place.running.process.kill()
            place.running.process.wait()
    shutil.rmtree(directory, ignore_errors=True)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_the_server_is_restarted(place: Place, mode: str) -> None:
    place.server.restart(mode)
    place.goes_on()


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_the_server_is_restarted_while_a_large_micro_batch_is_stored(place: Place, mode: str) -> None:
    copying = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'clickstream-stream-sink' AND state = 'active'"
    with closing(connect(place.owner_url, "tests")) as connection:
        connection.cursor().execute("LOCK TABLE ingest_batches IN EXCLUSIVE MODE")
        place.put(LARGE)
        wait_until(lambda: bool(place.sql(copying)), place.running)
        place.server.restart(mode)
    place.goes_on()


@pytest.mark.parametrize("part", PARTS)
def test_an_administrator_ends_one_session(place: Place, part: str) -> None:
    ended = place.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %(name)s",
        name=f"clickstream-stream-{part}",
    )
    assert ended
    place.goes_on()


def test_the_server_is_away_for_a_while_and_the_stream_says_why(place: Place) -> None:
    place.server.stop()
    wait_until(lambda: "the database does not answer" in place.waits(), place.running)
    place.put()
    since = time.monotonic()
    wait_until(lambda: time.monotonic() - since > 8, place.running)
    place.server.start()
    place.goes_on()


@pytest.mark.parametrize("whom", ["SYSTEM", "DATABASE shop", "ROLE clickstream_writer"])
def test_the_database_is_made_read_only_and_writable_again(place: Place, whom: str) -> None:
    place.sql(f"ALTER {whom} SET default_transaction_read_only = on")
    place.sql("SELECT pg_reload_conf()")
    # A session that lives keeps what it began with, where it is not the server's own setting.
    place.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'clickstream-stream-%'"
    )
    place.put()
    wait_until(lambda: "the database is read-only" in place.waits(), place.running)
    with closing(psycopg2.connect(place.owner_url)) as connection:
        connection.set_session(readonly=False, autocommit=True)
        connection.cursor().execute(f"ALTER {whom} RESET default_transaction_read_only")
        connection.cursor().execute("SELECT pg_reload_conf()")
    place.goes_on()


def test_the_server_has_no_connection_left_for_the_stream(place: Place) -> None:
    place.sql("ALTER ROLE clickstream_writer CONNECTION LIMIT 0")
    place.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'clickstream-stream-%'"
    )
    wait_until(lambda: "too many connections" in place.waits(), place.running)
    place.sql("ALTER ROLE clickstream_writer CONNECTION LIMIT -1")
    place.goes_on()


@pytest.mark.parametrize("rows", [1, LARGE], ids=["small", "large"])
def test_the_disk_of_the_database_is_full(place: Place, rows: int) -> None:
    """Said by a trigger as PostgreSQL says it: the heartbeat finds room, and a micro-batch does not."""
    place.sql(
        "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE"
        " 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$"
    )
    place.sql("CREATE TRIGGER no_room BEFORE INSERT ON ingest_batches EXECUTE FUNCTION no_room()")
    place.put(rows)
    wait_until(lambda: "No space left on device" in place.waits(), place.running)
    since = time.monotonic()
    wait_until(lambda: time.monotonic() - since > 5, place.running)
    assert place.waits()
    place.sql("DROP FUNCTION no_room CASCADE")
    place.goes_on()


def test_at_the_end_one_stream_has_lived_through_all_of_it(place: Place) -> None:
    place.running.process.terminate()
    assert place.running.process.wait(START_LIMIT) == 0
    assert place.sql("SELECT epoch::int, last_reason FROM stream_lease") == [(1, "stopped by SIGTERM")]
