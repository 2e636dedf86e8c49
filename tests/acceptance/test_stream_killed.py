"""The stream as a program, killed in the middle: what was promised holds when it is started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from databases import Database, run_sql

from clickstream_assets.data_generator import GenerationSpec, generate_files
from clickstream_assets.database import connect
from clickstream_assets.settings import STREAM_PROGRAM
from clickstream_assets.verification import verify

pytestmark = pytest.mark.spark
START_LIMIT = 180  # seconds, on a busy machine
SESSION = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = "
UPLOADING = SESSION + "'clickstream-stream-task'"
MERGING = SESSION + "'clickstream-stream-sink' AND state = 'active' AND query LIKE '%INSERT INTO events%'"
HELD = SESSION + "'clickstream-stream-lease'"


@dataclass
class Stream:
    """One start of the program with `--available-now`."""

    process: subprocess.Popen[str]
    log: Path

    def jvm(self) -> psutil.Process:
        """The JVM that the driver started."""
        return next(p for p in psutil.Process(self.process.pid).children() if p.name() == "java")

    def last_line(self) -> str:
        return self.log.read_text().strip().splitlines()[-1]


def start(database: Database, home: Path, events: Path, number: int) -> Stream:
    log = home / f"stream-{number}.log"
    environment = os.environ | {
        "CLICKSTREAM_STREAM_DATABASE_URL": database.writer_url,
        "CLICKSTREAM_HOME": str(home),
        "CLICKSTREAM_SPARK_MASTER": "local[2]",
        "CLICKSTREAM_SETTLE_SECONDS": "0",
    }
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, str(STREAM_PROGRAM), "--available-now", "--source", str(events)],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
    return Stream(process, log)


def wait_until(condition: Callable[[], bool], stream: Stream, limit: float = START_LIMIT) -> None:
    deadline = time.monotonic() + limit
    while not condition():
        assert stream.process.poll() is None, f"the stream ended early: {stream.last_line()}"
        assert time.monotonic() < deadline, f"not within {limit} s: {stream.log.read_text()[-2000:]}"
        time.sleep(0.01)


def wait_for_no_stream(database: Database) -> None:
    """Every session of the killed stream is gone: those of tasks end when PostgreSQL notices."""
    deadline = time.monotonic() + 60
    while run_sql(database.owner_url, HELD):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_stream_killed_three_times_in_the_middle_ends_with_exactly_the_truth(
    database: Database, tmp_path: Path
) -> None:
    events = tmp_path / "events"
    truth = generate_files(
        GenerationSpec(events=60_000, files=6, duplicates=0.05, malformed=0.02, late=0.01, seed=3), events
    )
    home = tmp_path / "home"
    home.mkdir()

    def seen(statement: str) -> Callable[[], bool]:
        return lambda: bool(run_sql(database.owner_url, statement))

    uploading = start(database, home, events, 1)
    wait_until(seen(UPLOADING), uploading)
    uploading.process.send_signal(signal.SIGKILL)
    assert uploading.process.wait(30) == -signal.SIGKILL
    wait_for_no_stream(database)

    merging = start(database, home, events, 2)
    wait_until(seen(MERGING), merging)
    merging.jvm().kill()
    assert merging.process.wait(90) == 1
    assert merging.last_line().startswith("clickstream stream: the Spark ")
    wait_for_no_stream(database)

    both = start(database, home, events, 3)
    wait_until(seen(MERGING), both)
    jvm = both.jvm()
    both.process.send_signal(signal.SIGKILL)
    jvm.kill()
    both.process.wait(30)
    wait_for_no_stream(database)

    last = start(database, home, events, 4)
    assert last.process.wait(START_LIMIT) == 0, last.log.read_text()[-3000:]
    counts = run_sql(
        database.owner_url,
        "SELECT sum(rows_read)::int, sum(rows_inserted)::int, sum(rows_duplicate)::int, sum(rows_rejected)::int"
        " FROM ingest_files",
    )
    assert counts == [(truth.rows, truth.unique_events, truth.duplicates, truth.malformed)]
    assert run_sql(database.owner_url, "SELECT count(*)::int FROM events") == [(truth.unique_events,)]
    assert run_sql(
        database.owner_url, "SELECT count(*)::int FROM pg_tables WHERE schemaname = 'staging'"
    ) == [(1,)]
    connection = connect(database.reader_url, "tests-verify")
    try:
        assert verify(connection, events).ok
    finally:
        connection.close()


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
        (
            {"CLICKSTREAM_STREAM_DATABASE_URL": "postgresql://x@127.0.0.1:1/x"},
            1,
            "the database does not answer",
        ),
    ],
    ids=["no database named", "no directory", "no such sink", "no database there"],
)
def test_a_wrong_setting_is_one_sentence_and_no_traceback(
    database: Database, tmp_path: Path, changes: dict[str, str], code: int, sentence: str
) -> None:
    environment = os.environ | {
        "CLICKSTREAM_STREAM_DATABASE_URL": database.writer_url,
        "CLICKSTREAM_DATABASE_URL": "",
        "CLICKSTREAM_HOME": str(tmp_path),
        "CLICKSTREAM_EVENTS_DIR": str(tmp_path),
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
