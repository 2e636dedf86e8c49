"""One stream, and a server of Debian's PostgreSQL that a test may take away from it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
from databases import run_sql
from foreign_servers import PostgresHere, debian_postgres_server
from stream_program import Stream, start_stream, wait_until

from clickstream_assets.conservation.audit import verify
from clickstream_assets.database import connect
from clickstream_assets.database_url import with_database, with_identity
from clickstream_assets.file_names import EventsDirectory
from clickstream_assets.outages.stream_waits import read_waits
from clickstream_assets.paths import STREAM_PROGRAM
from clickstream_assets.postgres.credentials import ROLE_NAMES
from clickstream_assets.postgres.schema import apply_schema

HEADER = "user_id,session_id,action_type,product_id,event_time,price\n"
MOST_PAIRS = 2
LARGE = 30_000  # rows: stored by a thread, while Spark goes on


@dataclass
class Place:
    """A server, a database on it, a directory of events and a stream."""

    server: PostgresHere
    directory: Path
    stream: Stream | None = None
    rows: int = 0
    files: int = 0
    seen: int = 0  # characters of the log
    program: Path = STREAM_PROGRAM
    extra: Mapping[str, str] = field(default_factory=dict)

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
        options = {"program": self.program, "extra": self.extra, **options}
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
        """The next file is stored, by the same process. Of what was in between there are a line at its begin and one at
        its end; on a busy machine a part may notice that its session is gone when the others are over it, which is a
        second pair."""
        self.put()
        wait_until(self.is_stored, self.running)
        wait_until(lambda: "the stream goes on" in self.running.log.read_text()[self.seen :], self.running)
        wait_until(lambda: not self.waits(), self.running)
        new = self.new_lines()
        assert not [line for line in new if "Traceback" in line or "Exception" in line], new
        # psycopg2 itself prints some when a COPY is cut off, and Spark warns of a busy machine.
        said = [line for line in new if " WARNING clickstream." in line or " ERROR " in line]
        begins = [line for line in said if line.endswith("the stream waits, and goes on by itself")]
        ends = [line for line in said if "is back after" in line]
        assert 1 <= len(begins) == len(ends) <= MOST_PAIRS, "\n".join(said)
        assert set(said) == {*begins, *ends}, "\n".join(said)
        with closing(connect(self.owner_url, "tests-verify")) as connection:
            audit = verify(connection, EventsDirectory(self.directory / "events"))
        assert audit.ok, audit.offences


@contextmanager
def open_place(program: Path = STREAM_PROGRAM, extra: Mapping[str, str] | None = None) -> Iterator[Place]:
    """A place where the first file is stored."""
    directory = Path(tempfile.mkdtemp(prefix="clickstream-test-", dir="/tmp"))
    directory.chmod(0o777)
    (directory / "events").mkdir()
    try:
        with debian_postgres_server(directory, initdb=("--encoding=UTF8", "--locale=C")) as server:
            run_sql(server.url, "CREATE DATABASE shop")
            place = Place(server, directory, program=program, extra=extra or {})
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
    finally:
        shutil.rmtree(directory, ignore_errors=True)
