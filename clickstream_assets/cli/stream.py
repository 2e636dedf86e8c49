"""`clickstream stream`."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import click

from clickstream_assets.home import make_home
from clickstream_assets.java import check_java
from clickstream_assets.outages.stream_waits import forget_waits, write_waits
from clickstream_assets.postgres.awaited import when_it_serves
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.postgres.schema import ensure_schema
from clickstream_assets.postgres.sharing import database_running
from clickstream_assets.settings import Settings
from clickstream_assets.supervision.program import stream_command, stream_environment
from clickstream_assets.up.stop_signals import StopSignals


@click.command("stream")
@click.option("--available-now", is_flag=True, help="End when all files that are present now are in.")
@click.option(
    "--source", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Watch this directory."
)
@click.option("--sink", type=click.Choice(["copy", "jdbc"]), help="How rows reach PostgreSQL.")
def command(available_now: bool, source: Path | None, sink: str | None) -> None:
    """Run the Spark stream in the foreground; Ctrl-C lets it finish its micro-batch."""
    settings = Settings.from_env()
    check_java()
    with database_running(settings) as connections:
        if not _schema_is_there(connections, settings.outage_limit(shall_end=available_now)):
            return
        code = run_in_foreground(
            stream_command(available_now=available_now, source=source, sink=sink),
            stream_environment(connections),
        )
    sys.exit(code)


def _schema_is_there(connections: Connections, limit: float | None) -> bool:
    """Make the schema where it is missing, once the database serves; False where a signal came before."""
    settings, stop = connections.settings, StopSignals()
    since = time.time()
    said: str | None = None
    lasting = "" if limit is None else f" for {limit:g} s"

    def say(sentence: str | None) -> None:
        nonlocal said
        said = sentence
        if sentence is None:
            click.echo(
                f"clickstream stream: the database is back after {time.time() - since:.0f} s", err=True
            )
        else:
            click.echo(f"clickstream stream: {sentence}; waiting for it{lasting}", err=True)

    def pause(seconds: float) -> bool:
        if said is not None:
            write_waits(settings.home, "the database", said, since, settings.dagster_run_id)
        stop.pause(seconds)
        return not stop.requested

    make_home(settings.home)
    try:
        with stop.caught():
            when_it_serves(lambda: ensure_schema(connections), say, limit, pause)
    finally:
        forget_waits(settings.home)
    return not stop.requested


def run_in_foreground(
    command: list[str], environment: dict[str, str], afterwards: Callable[[int], None] | None = None
) -> int:
    """Run `command` to its end and return its exit code, as a shell would give it.

    The first SIGINT, SIGTERM or SIGHUP is handed on, the next one kills. `afterwards` gets the process group, which may
    still have other members.
    """
    # A group of its own: the terminal's Ctrl-C would reach the child beside our own signal.
    child = subprocess.Popen(command, env=environment, process_group=0)
    asked = False

    def hand_on(number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            child.kill()
        else:
            asked = True
            child.send_signal(number)

    before = {
        number: signal.signal(number, hand_on) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        code = child.wait()
        if afterwards is not None:
            afterwards(child.pid)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code
