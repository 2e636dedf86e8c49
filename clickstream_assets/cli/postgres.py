"""`clickstream postgres`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click

from clickstream_assets.cli.stream import run_in_foreground
from clickstream_assets.errors import StartError
from clickstream_assets.postgres.schema import setup_databases
from clickstream_assets.postgres.sharing import database_running
from clickstream_assets.settings import Settings
from clickstream_assets.up import watchdog
from clickstream_assets.up.dagster import dagster_environment, prepare_home
from clickstream_assets.up.end import end_runs
from clickstream_assets.up.stack import running_up
from clickstream_assets.up.stop_signals import StopSignals


@click.command(
    "postgres", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}
)
@click.argument("program", nargs=-1, type=click.UNPROCESSED)
def command(program: tuple[str, ...]) -> None:
    """Keep the embedded database running in the foreground, or for as long as PROGRAM runs.

    PROGRAM gets the environment that Dagster needs: `clickstream postgres dagster dev`.
    """
    settings = Settings.from_env()
    if runs_a_daemon(program) and (process := running_up(settings.home)):
        raise StartError(
            f"`clickstream up` (process {process}) runs Dagster for {settings.home} already, and a second daemon would "
            "work against it: stop that one, or set another CLICKSTREAM_HOME."
        )
    stop = StopSignals()
    with database_running(settings) as connections:
        setup_databases(connections)
        if program:
            prepare_home(settings)
            environment = {**os.environ, **dagster_environment(connections)}
            sys.exit(run_in_foreground(list(program), environment, end_family))
        click.echo("The database is running; `clickstream psql` opens it. Ctrl-C stops it.")
        with stop.caught():
            while not stop.requested:
                time.sleep(0.2)


def end_family(group: int) -> None:
    """End what a program leaves behind: `dagster dev` leaves its code server, and with it the stream."""
    end_runs(lambda: {group})
    watchdog.end({group}, grace=3.0)


def runs_a_daemon(program: Sequence[str]) -> bool:
    """Whether `program` starts Dagster's daemon: `dagster dev`, `dg dev` or the daemon itself, by whatever way."""
    words = [Path(word).name for word in program]
    return (
        "dagster-daemon" in words
        or "dagster._daemon" in words
        or ("dev" in words and not {"dagster", "dg"}.isdisjoint(words))
    )
