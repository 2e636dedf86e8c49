"""The stream as a program of its own, as its users start it: for tests that kill it, or what it needs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from databases import run_sql

from clickstream_assets.conservation.audit import verify
from clickstream_assets.database import connect
from clickstream_assets.file_names import EventsDirectory
from clickstream_assets.generator.truth import Truth
from clickstream_assets.paths import STREAM_PROGRAM

START_LIMIT = 180  # seconds, on a busy machine
SESSION = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = "
HELD = SESSION + "'clickstream-stream-lease'"


@dataclass
class Stream:
    """One start of the program."""

    process: subprocess.Popen[str]
    log: Path

    def jvm(self) -> psutil.Process:
        """The JVM that the driver started."""
        return next(p for p in psutil.Process(self.process.pid).children() if p.name() == "java")

    def workers(self) -> list[psutil.Process]:
        """Spark's Python processes: of the tasks and of the source."""
        return [p for p in self.jvm().children(recursive=True) if "python" in p.name()]

    def last_line(self) -> str:
        return self.log.read_text().strip().splitlines()[-1]

    def has_ended(self) -> bool:
        return self.process.poll() is not None


def start_stream(
    url: str,
    home: Path,
    events: Path,
    number: int,
    *,
    available_now: bool = True,
    within: Sequence[str] = (),
    extra: Mapping[str, str] | None = None,
    program: Path = STREAM_PROGRAM,
) -> Stream:
    """Start the program; `within` is a command that starts another one, in whatever surroundings."""
    log = events.parent / f"stream-{number}.log"
    environment = {
        **os.environ,
        "CLICKSTREAM_STREAM_DATABASE_URL": url,
        "CLICKSTREAM_HOME": str(home),
        "CLICKSTREAM_SPARK_MASTER": "local[2]",
        "CLICKSTREAM_SETTLE_SECONDS": "0",
        **(extra or {}),
    }
    command = [*within, sys.executable, str(program), "--source", str(events)]
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, *(["--available-now"] if available_now else [])],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
    return Stream(process, log)


def wait_until(condition: Callable[[], bool], stream: Stream, limit: float = START_LIMIT) -> None:
    """Wait for a condition while the stream lives."""
    deadline = time.monotonic() + limit
    while not condition():
        assert not stream.has_ended(), f"the stream ended early: {stream.last_line()}"
        assert time.monotonic() < deadline, f"not within {limit} s: {stream.log.read_text()[-2000:]}"
        time.sleep(0.01)


def wait_for_no_stream(owner_url: str) -> None:
    """Every session of the killed stream is gone: those of tasks end when PostgreSQL notices."""
    deadline = time.monotonic() + 60
    while run_sql(owner_url, HELD):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def load_the_rest(
    owner_url: str, writer_url: str, home: Path, events: Path, first: int, starts: int = 3
) -> list[str]:
    """Start the stream until it ends well, as the supervisor does; what it said each time that it did not."""
    said = []
    for number in range(first, first + starts):
        wait_for_no_stream(owner_url)
        stream = start_stream(writer_url, home, events, number)
        if stream.process.wait(START_LIMIT) == 0:
            return said
        said.append(stream.last_line())
    raise AssertionError(f"it did not come back by itself: {said}")


def assert_exactly(truth: Truth, owner_url: str, events: Path) -> None:
    """Nothing lost, nothing twice, by the generator's truth and by the audit."""
    counts = run_sql(
        owner_url,
        "SELECT sum(rows_read)::int, sum(rows_inserted)::int, sum(rows_duplicate)::int, sum(rows_rejected)::int"
        " FROM ingest_files",
    )
    assert counts == [(truth.rows, truth.unique_events, truth.duplicates, truth.malformed)]
    assert run_sql(owner_url, "SELECT count(*)::int FROM events") == [(truth.unique_events,)]
    tables = run_sql(owner_url, "SELECT count(*)::int FROM pg_tables WHERE schemaname = 'staging'")
    assert tables == [(1,)]
    connection = connect(owner_url, "tests-verify")
    try:
        audit = verify(connection, EventsDirectory(events))
    finally:
        connection.close()
    assert audit.ok, audit.offences
