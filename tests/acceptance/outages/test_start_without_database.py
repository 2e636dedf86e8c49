"""Commands that are started while their database is away: they wait, say so in one line, and go on or end in words."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import run_sql
from foreign_servers import PostgresHere, debian_postgres_server, needs_debian_postgres
from up_stack import free_port, until

from clickstream_assets.database_url import with_database
from clickstream_assets.outages.stream_waits import read_waits

pytestmark = [pytest.mark.spark, needs_debian_postgres, pytest.mark.timeout(300)]
HEADER = "user_id,session_id,action_type,product_id,event_time,price\n"
AWAY = "clickstream stream: the database does not answer as it should: connection to server at "


class Command:
    """`clickstream …` in a home of its own, on a server of Debian's that is away at first."""

    def __init__(self, directory: Path, server: PostgresHere) -> None:
        self.directory, self.server = directory, server
        self.home, self.events = directory / "home", directory / "events"
        self.log = directory / "command.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *arguments: str, **settings: str) -> subprocess.Popen[bytes]:
        kept = {n: v for n, v in os.environ.items() if not n.startswith(("CLICKSTREAM_", "PG", "DAGSTER_"))}
        environment = kept | {
            "CLICKSTREAM_HOME": str(self.home),
            "CLICKSTREAM_EVENTS_DIR": str(self.events),
            "CLICKSTREAM_DATABASE_URL": with_database(self.server.url, "shop"),
            "CLICKSTREAM_SPARK_MASTER": "local[2]",
            "CLICKSTREAM_DAGSTER_PORT": str(free_port()),
            **settings,
        }
        command = [sys.executable, "-m", "clickstream_assets.cli", *arguments]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        return self.process

    def said(self) -> list[str]:
        return self.log.read_text().splitlines()


@pytest.fixture
def command(scratch: Path) -> Iterator[Command]:
    scratch.chmod(0o777)
    (scratch / "events").mkdir()
    with debian_postgres_server(scratch, initdb=("--encoding=UTF8", "--locale=C")) as server:
        run_sql(server.url, "CREATE DATABASE shop")
        server.stop()
        command = Command(scratch, server)
        try:
            yield command
        finally:
            if command.process is not None and command.process.poll() is None:
                command.process.terminate()
                command.process.wait(60)


def test_a_stream_waits_says_so_in_one_line_and_makes_the_schema_when_the_database_is_there(
    command: Command,
) -> None:
    (command.events / "a.csv").write_text(f"{HEADER}u,s,view,p,2026-07-01 12:00:00,1.50\n")
    command.start("stream", "--available-now")
    until(lambda: read_waits(command.home), "it says in the home that it waits", 30)
    began = time.monotonic()
    until(lambda: time.monotonic() - began > 4, "several tries")
    (line,) = command.said()
    assert line.startswith(AWAY)
    assert line.endswith("; waiting for it for 120 s")
    command.server.start()
    assert command.process is not None
    assert command.process.wait(240) == 0, command.said()
    assert "clickstream stream: the database is back after " in command.said()[1]
    assert run_sql(with_database(command.server.url, "shop"), "SELECT user_id FROM events") == [("u",)]
    assert read_waits(command.home) is None


@pytest.mark.parametrize("arguments", [["stream", "--available-now"], ["stream"]])
def test_a_stream_that_may_not_wait_longer_ends_with_one_sentence(
    command: Command, arguments: list[str]
) -> None:
    process = command.start(*arguments, CLICKSTREAM_OUTAGE_SECONDS="2")
    assert process.wait(60) == 1
    first, last = command.said()
    assert first.endswith("; waiting for it for 2 s")
    assert last.startswith("clickstream: the database does not answer as it should: ")
    assert last.endswith("; after 2 s of waiting.")
    assert read_waits(command.home) is None


def test_a_stream_that_waits_is_ended_by_a_signal_without_complaint(command: Command) -> None:
    process = command.start("stream")
    until(lambda: read_waits(command.home), "it waits", 30)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    (line,) = command.said()
    assert line.endswith("; waiting for it")
    assert read_waits(command.home) is None


def test_up_waits_as_long_as_it_says_and_ends_with_one_sentence(command: Command) -> None:
    process = command.start("up", CLICKSTREAM_OUTAGE_SECONDS="2", CLICKSTREAM_GENERATOR_RATE="0")
    assert process.wait(60) == 1
    assert command.said()[0] == "Starting the database …"
    (waiting, last) = [line for line in command.said() if "does not answer" in line]
    assert waiting.endswith("; waiting for it, up to 2 s …")
    assert last.startswith("clickstream: the database does not answer as it should: ")
    assert "Traceback" not in command.log.read_text()
