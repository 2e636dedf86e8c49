"""The stream as a program, killed in the middle: what was promised holds when it is started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
import pytest
from databases import Database, run_sql
from stream_program import (
    SESSION,
    START_LIMIT,
    Stream,
    assert_exactly,
    start_stream,
    wait_for_no_stream,
    wait_until,
)

from clickstream_assets.contract import STREAM_URL_VARIABLE
from clickstream_assets.data_generator import GenerationSpec, generate_files
from clickstream_assets.database import connect
from clickstream_assets.errors import StreamError
from clickstream_assets.outages.stream_waits import read_waits
from clickstream_assets.paths import STREAM_PROGRAM
from clickstream_assets.settings import Settings
from spark.stream.settings import StreamSettings
from spark.stream.stream import run_stream

pytestmark = pytest.mark.spark
STORING = SESSION + "'clickstream-stream-sink' AND wait_event_type = 'Lock'"


@contextmanager
def held_while_it_stores(
    database: Database, home: Path, events: Path, number: int
) -> Iterator[tuple[Stream, psycopg2.extensions.connection]]:
    """A stream that has stored rows and cannot commit them while the session lives; killed at the end."""
    with closing(connect(database.owner_url, "tests-lock")) as session:
        session.cursor().execute("LOCK TABLE ingest_batches IN EXCLUSIVE MODE")
        stream = start_stream(database.writer_url, home, events, number)
        try:
            wait_until(lambda: bool(run_sql(database.owner_url, STORING)), stream)
            yield stream, session
        finally:
            stream.process.kill()
            stream.process.wait()
    wait_for_no_stream(database.owner_url)


@pytest.mark.faults  # minutes; the quick kills are in test_stream_faults
@pytest.mark.timeout(900)  # four starts
def test_a_stream_killed_three_times_in_the_middle_ends_with_exactly_the_truth(
    database: Database, tmp_path: Path
) -> None:
    events, home, made = tmp_path / "events", tmp_path / "home", tmp_path / "made"
    truth = generate_files(
        GenerationSpec(events=60_000, files=6, duplicates=0.05, malformed=0.02, late=0.01, seed=3), made
    )
    home.mkdir()
    events.mkdir()
    files = sorted(made.iterdir())
    for file in files[:3]:
        file.rename(events / file.name)
    with held_while_it_stores(database, home, events, 1) as (stream, _):
        assert list(home.glob("spool/e*-*-*/*")), "a task has handed rows over"
        stream.process.send_signal(signal.SIGKILL)
        assert stream.process.wait(30) == -signal.SIGKILL
    with held_while_it_stores(database, home, events, 2) as (stream, session):
        stream.jvm().kill()
        session.rollback()  # what Spark has accepted may be committed
        assert stream.process.wait(90) == 1
        assert stream.last_line().startswith("clickstream stream: the Spark ")
    for file in files[3:]:
        file.rename(events / file.name)
    with held_while_it_stores(database, home, events, 3) as (stream, _):
        jvm = stream.jvm()
        stream.process.send_signal(signal.SIGKILL)
        jvm.kill()
        stream.process.wait(30)
    last = start_stream(database.writer_url, home, events, 4)
    assert last.process.wait(START_LIMIT) == 0, last.log.read_text()[-3000:]
    assert_exactly(truth, database.owner_url, events)


def test_a_stream_that_is_asked_to_stop_ends_with_exit_code_0_and_says_who_asked(
    database: Database, tmp_path: Path
) -> None:
    (tmp_path / "events").mkdir()
    (tmp_path / "home").mkdir()
    log = tmp_path / "log"
    environment = os.environ | {
        "CLICKSTREAM_STREAM_DATABASE_URL": database.writer_url,
        "CLICKSTREAM_HOME": str(tmp_path / "home"),
        "CLICKSTREAM_EVENTS_DIR": str(tmp_path / "events"),
    }
    with log.open("w") as output:
        process = subprocess.Popen([sys.executable, str(STREAM_PROGRAM)], env=environment, stderr=output)
    stream = Stream(process, log)
    idle = "SELECT 1 FROM stream_lease WHERE last_progress_at IS NOT NULL"
    wait_until(lambda: bool(run_sql(database.owner_url, idle)), stream)
    process.terminate()
    assert process.wait(60) == 0
    assert run_sql(database.owner_url, "SELECT last_reason, released_at IS NOT NULL FROM stream_lease") == [
        ("stopped by SIGTERM", True)
    ]


@pytest.mark.parametrize(
    ("changes", "code", "sentence"),
    [
        ({"CLICKSTREAM_STREAM_DATABASE_URL": ""}, 2, "CLICKSTREAM_STREAM_DATABASE_URL is not set"),
        ({"CLICKSTREAM_EVENTS_DIR": "/nowhere/at/all"}, 2, "/nowhere/at/all is no directory"),
        ({"CLICKSTREAM_SINK": "fax"}, 2, "CLICKSTREAM_SINK is 'fax'"),
    ],
    ids=["no database named", "no directory", "no such sink"],
)
def test_a_wrong_setting_is_one_sentence_and_no_traceback(
    database: Database, tmp_path: Path, changes: dict[str, str], code: int, sentence: str
) -> None:
    (tmp_path / "events").mkdir()
    environment = os.environ | {
        "CLICKSTREAM_STREAM_DATABASE_URL": database.writer_url,
        "CLICKSTREAM_DATABASE_URL": "",
        "CLICKSTREAM_HOME": str(tmp_path),
        "CLICKSTREAM_EVENTS_DIR": str(tmp_path / "events"),
    }
    ended = subprocess.run(
        [sys.executable, str(STREAM_PROGRAM)],
        env=environment | changes,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == code
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr


NOWHERE = "postgresql://x@127.0.0.1:1/x"


def test_a_stream_that_finds_no_database_says_so_and_waits_until_it_is_asked_to_end(tmp_path: Path) -> None:
    (tmp_path / "events").mkdir()
    stream = start_stream(NOWHERE, tmp_path / "home", tmp_path / "events", 1, available_now=False)
    try:
        wait_until(lambda: "Connection refused" in str(read_waits(tmp_path / "home")), stream)
        (line,) = stream.log.read_text().strip().splitlines()
        assert "the database does not answer" in line
        assert line.endswith("; the stream waits, and goes on by itself")
    finally:
        stream.process.terminate()
    assert stream.process.wait(30) == 0
    assert read_waits(tmp_path / "home") is None


def test_a_catch_up_that_finds_no_database_ends_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spark.stream.ending.Ending.catch_signals", lambda _: None)
    (tmp_path / "events").mkdir()
    settings = Settings.from_env(
        {"CLICKSTREAM_HOME": str(tmp_path), STREAM_URL_VARIABLE: NOWHERE, "CLICKSTREAM_OUTAGE_SECONDS": "1"}
    )
    began = time.monotonic()
    with pytest.raises(StreamError, match=r"Connection refused.*; after 1 s of waiting$"):
        run_stream(StreamSettings.of(settings, available_now=True))
    assert 1 < time.monotonic() - began < 10
    assert read_waits(tmp_path) is None
