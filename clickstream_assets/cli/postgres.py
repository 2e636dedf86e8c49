"""`clickstream postgres`."""

from __future__ import annotations

import os
import sys
import time

import click

from clickstream_assets.cli.stream import run_in_foreground
from clickstream_assets.postgres.schema import setup_databases
from clickstream_assets.postgres.sharing import database_running
from clickstream_assets.settings import Settings
from clickstream_assets.up import watchdog
from clickstream_assets.up.dagster import dagster_environment, prepare_home
from clickstream_assets.up.end import end_runs
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
