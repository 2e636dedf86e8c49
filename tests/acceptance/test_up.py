"""`clickstream up` from outside: everything comes up, survives kills, and Ctrl-C leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from clickstream_assets.embedded_postgres import embedded_server
from clickstream_assets.settings import PROJECT_ROOT, Settings

START_LIMIT = 240.0  # seconds; a busy machine takes a minute to start Spark
END_LIMIT = 20.0  # seconds from Ctrl-C to the end of every process


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def until(condition: Callable[[], object], what: str, limit: float = START_LIMIT) -> None:
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, f"not within {limit} s: {what}"
        time.sleep(0.2)


class Up:
    """A running `clickstream up` in a home of its own, as from a terminal."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = free_port()
        kept = {n: v for n, v in os.environ.items() if not n.startswith(("CLICKSTREAM_", "PG", "DAGSTER_"))}
        self.environment = kept | {
            "CLICKSTREAM_HOME": str(home),
            "CLICKSTREAM_DAGSTER_PORT": str(self.port),
            "CLICKSTREAM_GENERATOR_RATE": "50",
            "CLICKSTREAM_SPARK_MASTER": "local[2]",
            "PYTHONPATH": str(PROJECT_ROOT),
        }
        self.log = home.parent / "up.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> subprocess.Popen[bytes]:
        with self.log.open("wb") as log:
            command = [sys.executable, "-m", "clickstream_assets.cli", "up"]
            self.process = subprocess.Popen(
                command, env=self.environment, stdout=log, stderr=log, cwd=self.home.parent
            )
        until(lambda: "Ctrl-C stops all of it." in self.said() or self.process.poll() is not None, "ready")
        assert self.process.poll() is None, self.said()
        return self.process

    def said(self) -> str:
        return self.log.read_text()

    def run(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "clickstream_assets.cli", *arguments]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, cwd=self.home.parent, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def stored(self) -> int:
        return int(json.loads(self.run("status", "--json"))["totals"]["rows_inserted"])

    def processes(self) -> dict[int, str]:
        """All that belong to this home: by their environment or their arguments."""
        found = {}
        for process in psutil.process_iter(["cmdline", "status"]):
            try:
                words = [*(process.info["cmdline"] or []), *process.environ().values()]
            except (psutil.Error, OSError):
                continue
            alive = process.info["status"] != psutil.STATUS_ZOMBIE and process.pid != os.getpid()
            if alive and any(word.startswith(str(self.home)) for word in words):
                found[process.pid] = " ".join(process.info["cmdline"] or [])
        return found

    def webserver_answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/server_info", timeout=5) as response:
                return response.status == 200
        except OSError:
            return False

    def child(self, word: str) -> int:
        assert self.process is not None
        (pid,) = [
            child.pid
            for child in psutil.Process(self.process.pid).children()
            if word in " ".join(child.cmdline())
        ]
        return pid


@pytest.fixture
def up(scratch: Path) -> Iterator[Up]:
    up = Up(scratch / "home")
    yield up
    if up.process is not None and up.process.poll() is None:
        up.process.kill()
        up.process.wait()
        embedded_server(Settings.from_env({"CLICKSTREAM_HOME": str(up.home)})).stop(immediate=True)
        until(lambda: not up.processes(), "the watchdog ends what a failed test left")


@pytest.mark.spark
@pytest.mark.timeout(600)
def test_everything_comes_up_survives_kills_and_ends_on_ctrl_c_and_goes_on_the_next_time(up: Up) -> None:
    process = up.start()
    assert up.webserver_answers()
    until(lambda: up.stored() > 0, "the first rows")

    # A second one of the same home says so, and touches nothing.
    second = subprocess.run(
        [sys.executable, "-m", "clickstream_assets.cli", "up"],
        env=up.environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert second.returncode == 2
    assert second.stderr.startswith("clickstream: it runs already for ")
    assert second.stderr.count("\n") == 1

    os.kill(up.child("dagster_webserver"), signal.SIGKILL)
    until(lambda: "dagster-webserver ended unexpectedly" in up.said(), "the death is told")
    until(up.webserver_answers, "the webserver is back")

    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(END_LIMIT) == 0
    assert time.monotonic() - started < END_LIMIT
    assert up.processes() == {}
    assert up.said().endswith("Stopped.\n")
    assert "Conservation holds" in up.run("verify")
    before = up.stored()

    process = up.start()
    until(lambda: up.stored() > before, "more rows than the first time")
    process.send_signal(signal.SIGTERM)
    assert process.wait(END_LIMIT) == 0
    assert up.processes() == {}
    assert "Conservation holds" in up.run("verify")
