"""A running `clickstream up` in a home of its own, as from a terminal, and what is seen of it from outside.

Shared by the acceptance tests and by `scripts/screenshots.py`.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from clickstream_assets.paths import PROJECT_ROOT
from clickstream_assets.postgres.sharing import embedded_server
from clickstream_assets.settings import Settings

COMMAND = (sys.executable, "-m", "clickstream_assets.cli")
START_LIMIT = 240.0  # seconds; a busy machine takes a minute to start Spark


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
    """One home and, once started, the process of its `clickstream up`."""

    def __init__(self, home: Path, rate: int = 50, command: Sequence[str] = COMMAND) -> None:
        self.home = home
        self.command = command  # that is `clickstream`
        self.port = free_port()
        kept = {n: v for n, v in os.environ.items() if not n.startswith(("CLICKSTREAM_", "PG", "DAGSTER_"))}
        self.environment = kept | {
            "CLICKSTREAM_HOME": str(home),
            "CLICKSTREAM_DAGSTER_PORT": str(self.port),
            "CLICKSTREAM_GENERATOR_RATE": str(rate),
            "CLICKSTREAM_SPARK_MASTER": "local[2]",
            "PYTHONPATH": str(PROJECT_ROOT),
        }
        self.log = home.parent / "up.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Of Dagster's pages."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> subprocess.Popen[bytes]:
        """Start it, unless it runs already, and wait until it says that it is ready."""
        if self.process is not None and self.process.poll() is None:
            return self.process
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*self.command, "up"], env=self.environment, stdout=log, stderr=log, cwd=self.home.parent
            )
        until(lambda: "Ctrl-C stops all of it." in self.said() or self.process.poll() is not None, "ready")
        assert self.process.poll() is None, self.said()
        return self.process

    def clear_away(self) -> None:
        """End what still runs, without any order: for a test that failed, or is done with it."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
            embedded_server(Settings.from_env({"CLICKSTREAM_HOME": str(self.home)})).stop(immediate=True)
            until(lambda: not self.processes(), "the watchdog ends what a failed test left")

    def said(self) -> str:
        return self.log.read_text()

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            [*self.command, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            cwd=self.home.parent,
            timeout=60,
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
