"""What `clickstream up` does while all runs: restarts what ended, and says how the stream is.

Belongs here: the loop and its intervals. Does not belong here: keeping the stream alive, which is Dagster's
supervisor sensor, and what the line says (`status`).
"""

from __future__ import annotations

import time

import psycopg2

from clickstream_assets.errors import ClickstreamError
from clickstream_assets.monitoring.status import read_status, status_line
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.postgres.roles import role_names
from clickstream_assets.postgres.sharing import embedded_server, revive
from clickstream_assets.text import first_line
from clickstream_assets.up.dagster import CODE_SERVER, read_health
from clickstream_assets.up.end import DAEMON_END
from clickstream_assets.up.processes import Children
from clickstream_assets.up.start import Announce
from clickstream_assets.up.stop_signals import StopSignals

STATUS_INTERVAL = 10.0  # seconds
DATABASE_INTERVAL = 5.0  # seconds between looks whether the embedded server lives
HEALTH_INTERVAL = 10.0  # seconds
STREAM_AWAITED = 30.0  # seconds within which the supervisor has looked for the first time
UNREACHABLE_LIMIT = 3  # times in a row until the code server is restarted; a reload takes some seconds


def watch(connections: Connections, children: Children, stop: StopSignals, announce: Announce) -> None:
    """Keep everything running until a signal ends it."""
    settings = connections.settings
    spark_ui: str | None = None
    said = ""
    unreachable = 0
    began = time.monotonic()
    next_status = next_look = next_pruning = next_health = time.monotonic()
    while not stop.requested:
        now = time.monotonic()
        children.tick()
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
                children.restart(CODE_SERVER, DAEMON_END)
        if now >= next_status:
            next_status = now + STATUS_INTERVAL
            line, address = _status(connections, is_awaited=now - began < STREAM_AWAITED)
            if address and address != spark_ui:
                spark_ui = address
                announce(f"  Spark      {address}")
            if line != said:
                said = line
                announce(f"{time.strftime('%H:%M:%S')}  {line}")
        stop.pause(0.5)


def _status(connections: Connections, *, is_awaited: bool) -> tuple[str, str | None]:
    """The status line and the Spark UI's address."""
    settings = connections.settings
    try:
        with connections.open("reader") as connection:
            status = read_status(
                connection,
                settings.events_directory,
                is_awaited=is_awaited,
                writer=role_names(settings.role_prefix)["writer"],
            )
    except (psycopg2.Error, ClickstreamError, OSError) as error:
        return f"no status: {first_line(error)}", None
    return status_line(status), status.lease.spark_ui_url if status.lease.lock_held else None
