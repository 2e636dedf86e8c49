"""What `clickstream up` runs: the database, the generator, Dagster; in this order, and ended in the right one.

The frame of it, and what the user is told. Its parts are `start`, `watch` and `end`. The stream is kept alive by
Dagster's supervisor sensor.
"""

from __future__ import annotations

import fcntl
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clickstream_assets.errors import StartError
from clickstream_assets.home import make_home, openness
from clickstream_assets.java import check_java
from clickstream_assets.outages.mounts import why_away
from clickstream_assets.postgres.awaited import when_it_serves
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.postgres.schema import setup_databases
from clickstream_assets.postgres.sharing import database_running
from clickstream_assets.settings import Settings
from clickstream_assets.up.dagster import HOST, web_url
from clickstream_assets.up.end import end_all
from clickstream_assets.up.processes import Children
from clickstream_assets.up.start import Announce, start_dagster
from clickstream_assets.up.stop_signals import StopSignals
from clickstream_assets.up.watch import watch


def run_stack(settings: Settings, *, with_generator: bool, announce: Announce) -> None:
    """Run everything until a signal ends it.

    Raises:
        StartError: it cannot start, or runs already.
    """
    check_java()
    stop = StopSignals()
    with (
        _only_one(settings.home),
        stop.caught(),
        tempfile.TemporaryDirectory(prefix="clickstream-") as private,
    ):
        check_port(settings.dagster_port)
        if warning := openness(settings.home):
            announce(warning)
        if warning := why_away(settings.home, settings.events_dir):
            announce(f"! {warning}. The stream waits for it.")
        else:
            settings.events_dir.mkdir(parents=True, exist_ok=True)
        announce("Starting the database …")
        with database_running(settings, "clickstream-up") as connections:
            if not _databases_are_ready(connections, stop, announce):
                return
            children = Children(settings.log_dir, announce)
            try:
                start_dagster(
                    connections, children, stop, announce, Path(private) / "code.sock", with_generator
                )
                if not stop.requested:
                    _tell_where(settings, children, announce)
                    watch(connections, children, stop, announce)
            finally:
                announce("Stopping; Ctrl-C again to hurry …")
                end_all(children, stop)
        announce("Stopped.")


def _databases_are_ready(connections: Connections, stop: StopSignals, announce: Announce) -> bool:
    """Set up the events' database, and see whether Dagster's answers; False where a signal came before.

    Raises:
        DatabaseAway: one of them is away for longer than may be waited.
    """
    limit = connections.settings.outage_limit(shall_end=True)

    def say(sentence: str | None) -> None:
        announce("It is back." if sentence is None else f"{sentence}; waiting for it, up to {limit:g} s …")

    def pause(seconds: float) -> bool:
        stop.pause(seconds)
        return not stop.requested

    def work() -> None:
        setup_databases(connections)
        with connections.open("dagster"):
            pass

    when_it_serves(work, say, limit, pause)
    return not stop.requested


def check_port(port: int) -> None:
    """Raises StartError if another program has Dagster's port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise StartError(
                f"port {port} on {HOST} cannot be had for Dagster ({error.strerror}): stop the program that uses "
                "it, or set CLICKSTREAM_DAGSTER_PORT."
            ) from None


@contextmanager
def _only_one(home: Path) -> Iterator[None]:
    make_home(home)
    with (home / "up.pid").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise StartError(
                f"it runs already for {home} (process {file.read().strip()}): stop that one, or set another "
                "CLICKSTREAM_HOME."
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
        file.truncate(0)


def running_up(home: Path) -> str | None:
    """The process of the `clickstream up` that runs for `home`; None where none does."""
    try:
        with (home / "up.pid").open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return file.read().strip()
    except FileNotFoundError:
        pass
    return None


def _tell_where(settings: Settings, children: Children, announce: Announce) -> None:
    logs = children.log_file("x").parent
    announce(
        f"""
  Dagster    {web_url(settings)}
  Spark      clickstream status (its address, once the stream runs)
  Database   clickstream psql, or clickstream database-url for any SQL tool
  Events     {settings.events_dir}
  Logs       {logs}

Ctrl-C stops all of it."""
    )
