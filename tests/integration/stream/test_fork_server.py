"""The source's Python process: forked from a server that has all loaded, or started as Spark does it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from control_plane import wait_until

from spark.source.fork_server import RUNNER, VARIABLE, ForkServer
from spark.stream.session import PYTHON_PATH

SECONDS = 60


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    server = ForkServer()
    wait_until(server.address.exists, SECONDS)
    yield server
    server.stop()


class AsSparkDoesIt:
    """Starts the source's process, and takes its connection."""

    def __init__(self, directory: Path, **environment: str) -> None:
        self._connection: socket.socket | None = None
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.settimeout(SECONDS)
        address = directory / "spark"
        self._listener.bind(str(address))
        self._listener.listen(1)
        self.process = subprocess.Popen(
            [sys.executable, "-m", RUNNER],
            env=os.environ
            | {"PYTHONPATH": PYTHON_PATH, "PYTHON_WORKER_FACTORY_SOCK_PATH": str(address)}
            | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def connected(self) -> int:
        """The process id that the source says."""
        self._connection = self._listener.accept()[0]
        self._connection.settimeout(SECONDS)
        return int.from_bytes(self._connection.recv(4))

    def is_left(self) -> bool:
        """Whether the source closed the connection."""
        return self._connection is not None and not self._connection.recv(1)

    def ended(self) -> str:
        """Close the connection, and wait for the end; what was said on the way."""
        for opened in (self._listener, self._connection):
            if opened is not None:
                opened.close()
        return self.process.communicate(timeout=SECONDS)[1].decode()


def test_the_source_is_forked_from_the_server(tmp_path: Path, server: ForkServer) -> None:
    spark = AsSparkDoesIt(tmp_path, **{VARIABLE: str(server.address)})
    pid = spark.connected()
    assert psutil.Process(pid).ppid() == server.pid
    spark.ended()


def test_without_a_server_the_source_starts_by_itself(tmp_path: Path) -> None:
    spark = AsSparkDoesIt(tmp_path, **{VARIABLE: str(tmp_path / "nobody")})
    pid = spark.connected()
    assert pid == spark.process.pid
    spark.ended()


def test_a_forked_source_ends_with_the_process_that_spark_ends(tmp_path: Path, server: ForkServer) -> None:
    spark = AsSparkDoesIt(tmp_path, **{VARIABLE: str(server.address)})
    pid = spark.connected()
    spark.process.kill()
    assert spark.is_left()
    spark.ended()
    wait_until(lambda: not psutil.pid_exists(pid), SECONDS)


def test_what_a_forked_source_says_goes_where_spark_listens(tmp_path: Path, server: ForkServer) -> None:
    spark = AsSparkDoesIt(
        tmp_path,
        **{
            VARIABLE: str(server.address),
            "PYTHON_UNIX_DOMAIN_ENABLED": "false",
            "PYTHON_WORKER_FACTORY_PORT": "no number",
        },
    )
    spark.process.wait(SECONDS)
    assert "no number" in spark.ended()


def test_the_server_goes_with_the_one_that_started_it() -> None:
    program = (
        "import sys; from spark.source.fork_server import ForkServer; server = ForkServer()\n"
        "print(server.pid, server.address, flush=True); sys.stdin.read()"
    )
    starter = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert starter.stdout is not None
    pid, address = starter.stdout.readline().decode().split()
    wait_until(Path(address).exists, SECONDS)
    starter.kill()
    starter.communicate(timeout=SECONDS)
    wait_until(lambda: not Path(address).parent.exists(), SECONDS)
    wait_until(lambda: not psutil.pid_exists(int(pid)), SECONDS)
