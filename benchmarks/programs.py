"""The product's own programs, run as a person would run them: started, waited for and ended."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.statements import statement
from clickstream_assets.data_generator import generate_files
from clickstream_assets.database import connect
from clickstream_assets.generator.spec import GenerationSpec
from clickstream_assets.postgres.sharing import database_running
from clickstream_assets.settings import Settings

END_LIMIT = 30.0  # seconds


@contextmanager
def benchmark_home() -> Iterator[tuple[dict[str, str], Settings]]:
    """A home with a running database and an empty events directory: the variables that name it, and the settings."""
    with tempfile.TemporaryDirectory(prefix="clickstream-bench-") as directory:
        home = Path(directory)
        home.chmod(0o755)  # as root, PostgreSQL runs under another account
        environment = {
            "CLICKSTREAM_HOME": str(home),
            "CLICKSTREAM_EVENTS_DIR": str(home / "events"),
            "CLICKSTREAM_SETTLE_SECONDS": "0",
        }
        settings = Settings.from_env(environment)
        settings.events_dir.mkdir()
        with database_running(settings):
            yield environment, settings


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(environment: dict[str, str], *arguments: str) -> Iterator[None]:
    """`clickstream` with `arguments`, in the background; its log is in the home.

    Raises:
        RuntimeError: it ended by itself.
    """
    with running_module(
        environment, "clickstream_assets.cli", *arguments, name=f"clickstream {arguments[0]}"
    ):
        yield


@contextmanager
def running_module(environment: dict[str, str], module: str, *arguments: str, name: str) -> Iterator[None]:
    """A module as a program, in the background, as `running`."""
    log = Path(environment["CLICKSTREAM_HOME"]) / f"{name.replace(' ', '-')}.log"
    command = [sys.executable, "-m", module, *arguments]
    with log.open("w") as output:
        program = subprocess.Popen(command, env={**os.environ, **environment}, stdout=output, stderr=output)
        try:
            yield
        finally:
            ended = program.poll() is not None
            program.send_signal(signal.SIGINT)
            try:
                program.wait(END_LIMIT)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()
            if ended:  # more telling than what was waited for in vain
                raise RuntimeError(f"`{name}` ended: {log.read_text()[-500:]}")


def run(environment: dict[str, str], *arguments: str) -> None:
    """`clickstream` with `arguments`, to its end.

    Raises:
        RuntimeError: it failed.
    """
    command = [sys.executable, "-m", "clickstream_assets.cli", *arguments]
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"`clickstream {arguments[0]}` failed: {done.stderr[-500:]}")


def load_generated(settings: Settings, environment: dict[str, str], spec: GenerationSpec) -> float:
    """Write files, load them, and remove all that are there: disks end. The seconds that the stream ran."""
    generate_files(spec, settings.events_dir)
    started = time.perf_counter()
    run(environment, "stream", "--available-now")
    seconds = time.perf_counter() - started
    shutil.rmtree(settings.events_dir)
    settings.events_dir.mkdir()
    return seconds


def wait_for_files(url: str, files: int, limit: float) -> None:
    """Wait until so many files are committed.

    Raises:
        RuntimeError: not within `limit` seconds.
    """
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        if committed_files(url) >= files:
            return
        time.sleep(0.5)
    raise RuntimeError(f"{files} files were not loaded within {limit:.0f} s.")


def committed_files(url: str) -> int:
    connection = connect(url, "benchmarks", autocommit=True)
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement("committed_files"))
            return int((cursor.fetchone() or (0,))[0])
    finally:
        connection.close()
