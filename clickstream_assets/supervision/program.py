"""The Spark program as a process: its command, its environment, and the drivers that are running.

Every starter of the stream goes by it: `clickstream stream`, and the Dagster job.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from clickstream_assets.contract import STREAM_URL_VARIABLE
from clickstream_assets.paths import STREAM_PROGRAM
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.settings import SECRET_VARIABLES

# Others' secrets: the stream needs the writer's URL alone.
NOT_FOR_THE_STREAM = SECRET_VARIABLES | {"PGPASSFILE", "PGPASSWORD"}


def stream_command(
    *, available_now: bool = False, source: Path | None = None, sink: str | None = None
) -> list[str]:
    """The command of the stream. Our own interpreter, not spark-submit: SIGINT must reach the Python driver."""
    command = [sys.executable, str(STREAM_PROGRAM)]
    if available_now:
        command.append("--available-now")
    if source is not None:
        command += ["--source", str(source.expanduser().absolute())]
    if sink is not None:
        command += ["--sink", sink]
    return command


def stream_environment(
    connections: Connections, environment: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The environment of the stream: `environment` (default: ours) with the writer's URL, absolute paths, and
    without secrets of others."""
    source = os.environ if environment is None else environment
    kept = {name: value for name, value in source.items() if name not in NOT_FOR_THE_STREAM}
    return kept | {
        STREAM_URL_VARIABLE: connections.url("writer"),
        **connections.settings.path_variables(),
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "PYTHONUNBUFFERED": "1",
    }


def stream_drivers(process_groups: set[int]) -> list[int]:
    """The ids of the stream's Python drivers in the given process groups."""
    found = []
    for process in psutil.process_iter():
        try:
            if str(STREAM_PROGRAM) in process.cmdline()[1:3] and os.getpgid(process.pid) in process_groups:
                found.append(process.pid)
        except (psutil.Error, OSError):
            continue
    return found
