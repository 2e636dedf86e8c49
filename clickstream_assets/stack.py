"""What `clickstream up` runs: the database, the generator, Dagster; in this order, and ended in the right one.

Belongs here: the sequence, and what the user is told. Does not belong here: each part (`embedded_postgres`,
`dagster_processes`, `processes`), and keeping the stream alive, which is Dagster's supervisor sensor.

Ending: the daemon first, or its sensor would start the stream again; the stream by SIGINT to its driver, so that
it finishes its micro-batch and its run ends well; everything else; the database last.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import psycopg2

from clickstream_assets.credentials import role_url, split_password
from clickstream_assets.dagster_processes import (
    CODE_SERVER,
    DAEMON,
    HOST,
    WEBSERVER,
    Health,
    dagster_environment,
    dagster_home,
    dagster_programs,
    migrate_command,
    prepare_home,
    read_health,
    run_workers,
    web_url,
    write_workspace,
)
from clickstream_assets.database import connect
from clickstream_assets.embedded_postgres import database_running, embedded_server, revive
from clickstream_assets.java import check_java
from clickstream_assets.processes import Program, Supervisor
from clickstream_assets.schema import setup_databases
from clickstream_assets.settings import Settings, SettingsError
from clickstream_assets.status import read_status, status_line
from clickstream_assets.stop_signals import StopSignals
from clickstream_assets.stream_process import stream_drivers

GENERATOR = "generator"
MIGRATION = "dagster-migrate"
START_LIMIT = 180.0  # seconds until Dagster is well; a slow machine imports for a minute
STATUS_INTERVAL = 10.0  # seconds
DATABASE_INTERVAL = 5.0  # seconds between looks whether the embedded server lives
DAEMON_END = 4.0  # seconds: it ends between two ticks
RUNS_END = 8.0  # seconds: one micro-batch, Spark's own end, and the run's last words
REST_END = 3.0  # seconds
HEALTH_INTERVAL = 10.0  # seconds
FIRST_LOOK = 30.0  # seconds within which the supervisor has looked for the first time
UNREACHABLE_LIMIT = 3  # times in a row until the code server is restarted; a reload takes some seconds

Announce = Callable[[str], None]


def run_stack(settings: Settings, *, with_generator: bool, announce: Announce) -> None:
    """Run everything until a signal ends it.

    Raises:
        SettingsError: it cannot start, or runs already.
    """
    check_java()
    stop = StopSignals()
    with (
        _only_one(settings.home),
        stop.caught(),
        tempfile.TemporaryDirectory(prefix="clickstream-") as private,
    ):
        check_port(settings.dagster_port)
        settings.events_dir.mkdir(parents=True, exist_ok=True)
        announce("Starting the database …")
        with database_running(settings):
            setup_databases(settings)
            supervisor = Supervisor(settings.log_dir, announce)
            try:
                _start(settings, supervisor, stop, announce, Path(private) / "code.sock", with_generator)
                if not stop.requested:
                    _tell_where(settings, supervisor, announce)
                    _watch(settings, supervisor, stop, announce)
            finally:
                announce("Stopping; Ctrl-C again to hurry …")
                _end(supervisor, stop)
        announce("Stopped.")


def check_port(port: int) -> None:
    """Raises SettingsError if another program has Dagster's port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise SettingsError(
                f"port {port} on {HOST} cannot be had for Dagster ({error.strerror}): stop the program that uses "
                "it, or set CLICKSTREAM_DAGSTER_PORT."
            ) from None


def settle_seconds(environment: dict[str, str], with_generator: bool) -> dict[str, str]:
    """CLICKSTREAM_SETTLE_SECONDS for our own generator: its files appear whole. The user's own value stands."""
    if with_generator and not environment.get("CLICKSTREAM_SETTLE_SECONDS", "").strip():
        return {"CLICKSTREAM_SETTLE_SECONDS": "0"}
    return {}


@contextmanager
def _only_one(home: Path) -> Iterator[None]:
    home.mkdir(parents=True, exist_ok=True)
    with (home / "up.pid").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise SettingsError(
                f"it runs already for {home} (process {file.read().strip()}): stop that one, or set another "
                "CLICKSTREAM_HOME."
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
        file.truncate(0)


def _start(
    settings: Settings,
    supervisor: Supervisor,
    stop: StopSignals,
    announce: Announce,
    code_socket: Path,
    with_generator: bool,
) -> None:
    announce("Starting Dagster …")
    prepare_home(settings)
    write_workspace(settings, code_socket)
    _migrate(settings, supervisor, stop)
    extra = settle_seconds(dict(os.environ), with_generator)
    for program in dagster_programs(settings, code_socket, extra):
        supervisor.run(program)
        if program.name == CODE_SERVER:
            if with_generator:
                # Now, not once Dagster is well: the stream finds its first files waiting.
                supervisor.run(_generator(settings))
            # The daemon would note that nothing answers, and look again only a minute later.
            _wait_for(code_socket, supervisor, stop)
    health = Health(answers=False)
    deadline = time.monotonic() + START_LIMIT
    while not health.complete and not health.load_error and not stop.requested:
        if time.monotonic() > deadline:
            raise SettingsError(f"Dagster does not come up: {_what_is_missing(health, supervisor)}.")
        supervisor.tick()
        _pause(stop, 0.5)
        health = read_health(settings)
    if health.load_error:
        announce(f"Dagster runs, but the assets do not load: {health.load_error}")


def _wait_for(code_socket: Path, supervisor: Supervisor, stop: StopSignals) -> None:
    deadline = time.monotonic() + START_LIMIT
    while not code_socket.exists() and not stop.requested:
        if time.monotonic() > deadline:
            raise SettingsError(f"Dagster does not come up: see {supervisor.log_file(CODE_SERVER)}.")
        supervisor.tick()
        _pause(stop, 0.1)


def _migrate(settings: Settings, supervisor: Supervisor, stop: StopSignals) -> None:
    """Make or upgrade Dagster's tables, once a version of Dagster and a database."""
    mark = dagster_home(settings) / "migrated"
    database, _ = split_password(role_url(settings, "dagster"))
    done = f"{version('dagster')} {database}\n"
    if mark.exists() and mark.read_text() == done:
        return
    environment = {**os.environ, **dagster_environment(settings)}
    program = Program(MIGRATION, migrate_command(), environment, dagster_home(settings))
    code = supervisor.run_once(program, START_LIMIT, lambda: stop.requested)
    if code == 0:
        mark.write_text(done)
    elif not stop.requested:
        raise SettingsError(f"Dagster's database cannot be prepared: see {supervisor.log_file(MIGRATION)}.")


def _generator(settings: Settings) -> Program:
    command = [sys.executable, "-m", "clickstream_assets.cli", "generate"]
    command += [
        "--rate",
        f"{settings.generator_rate:g}",
        "--out",
        str(settings.events_dir),
        "--exit-with-parent",
    ]
    return Program(GENERATOR, tuple(command), dict(os.environ), settings.home)


def _what_is_missing(health: Health, supervisor: Supervisor) -> str:
    if not health.answers:
        return f"its webserver does not answer (see {supervisor.log_file(WEBSERVER)})"
    if not health.loaded:
        return f"the assets are not loaded (see {supervisor.log_file(CODE_SERVER)})"
    return f"its daemon is not healthy (see {supervisor.log_file(DAEMON)})"


def _tell_where(settings: Settings, supervisor: Supervisor, announce: Announce) -> None:
    logs = supervisor.log_file("x").parent
    announce(
        f"""
  Dagster    {web_url(settings)}
  Spark      clickstream status (its address, once the stream runs)
  Database   clickstream psql, or clickstream database-url for any SQL tool
  Events     {settings.events_dir}
  Logs       {logs}

Ctrl-C stops all of it."""
    )


def _watch(settings: Settings, supervisor: Supervisor, stop: StopSignals, announce: Announce) -> None:
    spark_ui: str | None = None
    said = ""
    unreachable = 0
    began = time.monotonic()
    next_status = next_look = next_pruning = next_health = time.monotonic()
    while not stop.requested:
        now = time.monotonic()
        supervisor.tick()
        if now >= next_look:
            next_look = now + DATABASE_INTERVAL
            if revive(settings):
                announce("The database had died and was started again.")
        if now >= next_pruning:
            next_pruning = now + 3600
            embedded_server(settings).prune_logs()
        if now >= next_health:
            next_health = now + HEALTH_INTERVAL
            unreachable = unreachable + 1 if read_health(settings).unreachable else 0
            if unreachable >= UNREACHABLE_LIMIT:
                unreachable = 0
                announce(f"{CODE_SERVER} does not answer; starting it again.")
                supervisor.restart(CODE_SERVER, DAEMON_END)
        if now >= next_status:
            next_status = now + STATUS_INTERVAL
            line, address = _status(settings, is_awaited=now - began < FIRST_LOOK)
            if address and address != spark_ui:
                spark_ui = address
                announce(f"  Spark      {address}")
            if line != said:
                said = line
                announce(f"{time.strftime('%H:%M:%S')}  {line}")
        _pause(stop, 0.5)


def _status(settings: Settings, *, is_awaited: bool) -> tuple[str, str | None]:
    """The status line and the Spark UI's address."""
    try:
        connection = connect(role_url(settings, "reader"), "clickstream-up", autocommit=True)
        try:
            status = read_status(connection, settings.events_dir, is_awaited=is_awaited)
        finally:
            connection.close()
    except (psycopg2.Error, OSError) as error:
        return f"no status: {(str(error).strip().splitlines() or ['?'])[0]}", None
    return status_line(status), status.lease.spark_ui_url if status.lease.lock_held else None


def _end(supervisor: Supervisor, stop: StopSignals) -> None:
    supervisor.ask_to_end(DAEMON)
    supervisor.ask_to_end(GENERATOR)
    supervisor.wait_for_end({DAEMON, GENERATOR}, DAEMON_END, stop.hurry)
    for name in (DAEMON, GENERATOR):
        supervisor.kill(name)
    end_runs(lambda: supervisor.process_groups, stop.hurry)
    supervisor.end_all(0.0 if stop.hurry() else REST_END, stop.hurry)


def end_runs(process_groups: Callable[[], set[int]], hurry: Callable[[], bool] = lambda: False) -> None:
    """Ask the stream to end, and wait a while until all runs in the process groups have ended."""
    deadline = time.monotonic() + RUNS_END
    asked: set[int] = set()
    while not hurry() and time.monotonic() < deadline:
        drivers = set(stream_drivers(process_groups()))
        for pid in drivers - asked:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)
        asked |= drivers
        if not drivers and not run_workers(process_groups()):
            break
        time.sleep(0.2)


def _pause(stop: StopSignals, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not stop.requested and time.monotonic() < deadline:
        time.sleep(0.1)
