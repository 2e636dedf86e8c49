"""The start of `clickstream up`: Dagster's tables, its processes and the generator, in this order, until all is well.

It also says what did not come up.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from clickstream_assets.database_url import split_password
from clickstream_assets.errors import StartError
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.settings import Settings
from clickstream_assets.settings.values import variable_of
from clickstream_assets.up.dagster import (
    CODE_SERVER,
    DAEMON,
    WEBSERVER,
    Health,
    dagster_environment,
    dagster_home,
    dagster_programs,
    migrate_command,
    prepare_home,
    read_health,
    write_workspace,
)
from clickstream_assets.up.processes import Children, Program
from clickstream_assets.up.stop_signals import StopSignals

GENERATOR = "generator"
MIGRATION = "dagster-migrate"
START_LIMIT = 180.0  # seconds until Dagster is well; a slow machine imports for a minute

Announce = Callable[[str], None]


def start_dagster(
    connections: Connections,
    children: Children,
    stop: StopSignals,
    announce: Announce,
    code_socket: Path,
    with_generator: bool,
) -> None:
    """Start everything but the database, and wait until Dagster is well or a signal came.

    Raises:
        StartError: it does not come up.
    """
    settings = connections.settings
    announce("Starting Dagster …")
    prepare_home(settings)
    write_workspace(settings, code_socket)
    _migrate(connections, children, stop)
    extra = settle_seconds(settings, with_generator)
    for program in dagster_programs(connections, code_socket, extra):
        children.run(program)
        if program.name == CODE_SERVER:
            if with_generator:
                # Now, not once Dagster is well: the stream finds its first files waiting.
                children.run(_generator(settings))
            # The daemon would note that nothing answers, and look again only a minute later.
            _wait_for(code_socket, children, stop)
    health = Health(answers=False)
    deadline = time.monotonic() + START_LIMIT
    while not health.complete and not health.load_error and not stop.requested:
        if time.monotonic() > deadline:
            raise StartError(f"Dagster does not come up: {_what_is_missing(health, children)}.")
        children.tick()
        stop.pause(0.5)
        health = read_health(settings)
    if health.load_error:
        announce(f"Dagster runs, but the assets do not load: {health.load_error}")


def settle_seconds(settings: Settings, with_generator: bool) -> dict[str, str]:
    """CLICKSTREAM_SETTLE_SECONDS for our own generator: its files appear whole. The user's own value stands."""
    if with_generator and "settle_seconds" not in settings.model_fields_set:
        return {variable_of("settle_seconds"): "0"}
    return {}


def _wait_for(code_socket: Path, children: Children, stop: StopSignals) -> None:
    deadline = time.monotonic() + START_LIMIT
    while not code_socket.exists() and not stop.requested:
        if time.monotonic() > deadline:
            raise StartError(f"Dagster does not come up: see {children.log_file(CODE_SERVER)}.")
        children.tick()
        stop.pause(0.1)


def _migrate(connections: Connections, children: Children, stop: StopSignals) -> None:
    """Make or upgrade Dagster's tables, once a version of Dagster and a database."""
    settings = connections.settings
    mark = dagster_home(settings) / "migrated"
    database, _ = split_password(connections.url("dagster"))
    done = f"{version('dagster')} {database}\n"
    if mark.exists() and mark.read_text() == done:
        return
    environment = {**os.environ, **dagster_environment(connections)}
    program = Program(MIGRATION, migrate_command(), environment, dagster_home(settings))
    code = children.run_once(program, START_LIMIT, lambda: stop.requested)
    if code == 0:
        mark.write_text(done)
    elif not stop.requested:
        raise StartError(f"Dagster's database cannot be prepared: see {children.log_file(MIGRATION)}.")


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


def _what_is_missing(health: Health, children: Children) -> str:
    if not health.answers:
        return f"its webserver does not answer (see {children.log_file(WEBSERVER)})"
    if not health.loaded:
        return f"the assets are not loaded (see {children.log_file(CODE_SERVER)})"
    return f"its daemon is not healthy (see {children.log_file(DAEMON)})"
