"""`clickstream stream`."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import click

from clickstream_assets.postgres.schema import ensure_schema
from clickstream_assets.postgres.sharing import database_running
from clickstream_assets.settings import Settings
from clickstream_assets.supervision.program import stream_command, stream_environment
from clickstream_assets.up.java import check_java


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
        ensure_schema(connections)
        code = run_in_foreground(
            stream_command(available_now=available_now, source=source, sink=sink),
            stream_environment(connections),
        )
    sys.exit(code)


def run_in_foreground(
    command: list[str], environment: dict[str, str], afterwards: Callable[[int], None] | None = None
) -> int:
    """Run `command` to its end and return its exit code, as a shell would give it.

    The first SIGINT or SIGTERM is handed on, the next one kills. `afterwards` gets the process group, which may
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

    before = {number: signal.signal(number, hand_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        code = child.wait()
        if afterwards is not None:
            afterwards(child.pid)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code
