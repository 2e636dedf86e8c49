"""Every end of a stream: one sentence as its last line, the same in `status`, an exit code, and no traceback for what a
user or a server did."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import stream_with_bug
from databases import Database, run_sql
from stream_program import START_LIMIT, Stream, start_stream, wait_until

from clickstream_assets.database import connect
from clickstream_assets.file_names import EventsDirectory
from clickstream_assets.monitoring.status import read_status
from clickstream_assets.outages.stream_waits import read_waits

pytestmark = pytest.mark.spark
HEADER = "user_id,session_id,action_type,product_id,event_time,price\n"


@dataclass
class Place:
    database: Database
    home: Path
    events: Path
    stream: Stream | None = None

    def start(self, **options: object) -> Stream:
        options = {"available_now": False, **options}
        self.stream = start_stream(self.database.writer_url, self.home, self.events, 1, **options)  # type: ignore[arg-type]
        return self.stream

    def runs(self) -> Stream:
        """A stream that has stored a file."""
        hidden = self.events / ".a.csv"
        hidden.write_text(f"{HEADER}u,s,view,p,2026-07-01 12:00:00,1.50\n")
        hidden.rename(self.events / "a.csv")
        stream = self.start()
        wait_until(lambda: bool(self.sql("SELECT 1 FROM ingest_batches")), stream)
        return stream

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        return run_sql(self.database.owner_url, statement)

    def reason(self) -> str:
        """Why the stream is not there, as `status` has it."""
        with closing(connect(self.database.reader_url, "tests", autocommit=True)) as connection:
            status = read_status(connection, EventsDirectory(self.events), home=self.home)
        return status.decision.reason

    def ends(self, stream: Stream) -> tuple[int, str]:
        """The exit code and the sentence, which everybody says alike."""
        code = stream.process.wait(START_LIMIT)
        said = stream.log.read_text()
        assert "Traceback" not in said, said[-3000:]
        sentence = stream.last_line().removeprefix("clickstream stream: ").removesuffix(".")
        assert self.reason() == f"the last one ended: {sentence}"
        return code, sentence


@pytest.fixture
def place(database: Database, tmp_path: Path) -> Iterator[Place]:
    (tmp_path / "events").mkdir()
    place = Place(database, tmp_path / "home", tmp_path / "events")
    yield place
    if place.stream is not None and not place.stream.has_ended():
        place.stream.process.kill()
        place.stream.process.wait()


def test_a_jvm_that_is_killed(place: Place) -> None:
    stream = place.runs()
    stream.jvm().kill()
    sentence = "the Spark JVM was ended by SIGKILL: by somebody, or for want of memory"
    assert place.ends(stream) == (1, sentence)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_signals_end_it_in_order(place: Place, name: str) -> None:
    stream = place.runs()
    stream.process.send_signal(signal.Signals[name])
    assert stream.process.wait(60) == 0
    assert place.reason() == f"the last one ended: stopped by {name}"


def test_a_lease_that_somebody_else_took(place: Place) -> None:
    stream = place.runs()
    place.sql("UPDATE stream_lease SET epoch = epoch + 1")
    code, sentence = stream.process.wait(START_LIMIT), stream.last_line()
    assert code == 1
    assert sentence.startswith("clickstream stream: the lease is lost: another stream took over")
    assert "Traceback" not in stream.log.read_text()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            "INSERT INTO schema_versions (version) VALUES (9999)",
            "the schema of the database has version 9999, and this program needs ",
        ),
        (
            "DELETE FROM schema_versions WHERE version > 1",
            "the schema of the database has version 1, and this program needs ",
        ),
    ],
    ids=["newer", "older"],
)
def test_a_schema_that_is_newer_or_older_than_the_program(place: Place, change: str, sentence: str) -> None:
    place.sql(change)
    code, said = place.ends(place.start())
    assert code == 2
    assert said.startswith(sentence)


def test_java_that_is_missing_or_too_old(place: Place, tmp_path: Path) -> None:
    code, said = place.ends(place.start(extra={"JAVA_HOME": str(tmp_path / "nowhere")}))
    assert code == 2
    assert said.startswith("Spark needs Java 17 or newer and none was found: install Java 17 or 21")
    old = tmp_path / "old" / "bin" / "java"
    old.parent.mkdir(parents=True)
    old.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\nexit 1\n")
    old.chmod(0o755)
    code, said = place.ends(place.start(extra={"JAVA_HOME": str(tmp_path / "old")}))
    assert code == 2
    assert f"{old} is version 11" in said


def test_a_home_that_is_no_directory(place: Place, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    place.home = tmp_path / "file" / "home"
    stream = place.start()
    assert stream.process.wait(START_LIMIT) == 1
    assert stream.last_line().endswith("cannot be used: Not a directory.")
    assert stream.log.read_text().count("\n") == 1


@pytest.mark.parametrize("what", ["checkpoint", "spool", "spark"])
def test_a_part_of_the_home_that_is_a_file(place: Place, what: str) -> None:
    """Whatever the cause, such as a directory of another account: it ends in words, or gets over it."""
    place.home.mkdir()
    (place.home / what).write_text("")
    (place.events / "a.csv").write_text(f"{HEADER}u,s,view,p,2026-07-01 12:00:00,1.50\n")
    stream = place.start(available_now=True)
    if stream.process.wait(START_LIMIT) == 0:
        assert place.sql("SELECT count(*)::int FROM events") == [(1,)]
    else:
        code, said = place.ends(stream)
        assert code == 1
        assert what in said.lower()


def test_a_checkpoint_of_another_query_costs_nothing(place: Place) -> None:
    offsets = place.home / "checkpoint" / "offsets"
    offsets.mkdir(parents=True)
    (place.home / "checkpoint" / "commits").mkdir()
    (place.home / "checkpoint" / "metadata").write_text('{"id":"3b1d0c8e-1c7e-4d0e-9d9e-0d8f4f3f1a11"}')
    (offsets / "0").write_text('v1\n{"batchWatermarkMs":0,"batchTimestampMs":1,"conf":{}}\n{"logOffset":7}\n')
    (place.events / "a.csv").write_text(f"{HEADER}u,s,view,p,2026-07-01 12:00:00,1.50\n")
    stream = place.start(available_now=True)
    assert stream.process.wait(START_LIMIT) == 0, stream.log.read_text()[-3000:]
    assert place.sql("SELECT count(*)::int FROM events") == [(1,)]


def test_a_bug_is_one_sentence_and_the_traceback_is_in_the_log(place: Place) -> None:
    stream = place.start(program=Path(stream_with_bug.__file__))
    assert stream.process.wait(START_LIMIT) == 1
    sentence = "intake failed: it failed unexpectedly, by ZeroDivisionError: division by zero"
    assert stream.last_line() == f"clickstream stream: {sentence}"
    assert place.reason() == f"the last one ended: {sentence}"
    assert stream.log.read_text().count("Traceback") == 1


def test_an_end_while_the_database_was_away_is_told_once_it_is_back(place: Place) -> None:
    stream = place.runs()
    place.sql("ALTER ROLE clickstream_writer CONNECTION LIMIT 0")
    try:
        place.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name LIKE 'clickstream-stream-%'"
        )
        wait_until(lambda: read_waits(place.home) is not None, stream)
        os.kill(stream.process.pid, signal.SIGTERM)
        assert stream.process.wait(60) == 0
    finally:
        place.sql("ALTER ROLE clickstream_writer CONNECTION LIMIT -1")
    assert place.reason() == "the last one ended: stopped by SIGTERM"
    assert read_waits(place.home) is None
