"""What `clickstream up` does while all runs: restarts what ended or hangs, and says how the stream is.

The loop and its intervals. The stream is kept alive by Dagster's supervisor sensor.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import psycopg2

from clickstream_assets.errors import ClickstreamError
from clickstream_assets.fitness import unreachable
from clickstream_assets.ledger.sources_in_force import sources_in_force
from clickstream_assets.monitoring.dagster_state import DagsterState, read_dagster_state
from clickstream_assets.monitoring.status import read_status
from clickstream_assets.monitoring.status_away import read_status_away, status_away_line
from clickstream_assets.monitoring.status_line import status_line
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.postgres.roles import role_names
from clickstream_assets.postgres.sharing import embedded_server, revive
from clickstream_assets.text import first_line
from clickstream_assets.up.dagster import (
    code_server_answers,
    read_configuration,
    read_health,
    restore_configuration,
)
from clickstream_assets.up.end import DAEMON_END
from clickstream_assets.up.hangs import Hangs
from clickstream_assets.up.processes import Children
from clickstream_assets.up.start import Announce
from clickstream_assets.up.stop_signals import StopSignals

STATUS_INTERVAL = 10.0  # seconds
DATABASE_INTERVAL = 5.0  # seconds between looks whether the embedded server lives
HEALTH_INTERVAL = 10.0  # seconds
STREAM_AWAITED = 30.0  # seconds within which the supervisor has looked for the first time
SUPERVISOR = "spark_stream_supervisor"  # the sensor


@dataclass
class _Seen:
    """What the last look at the pipeline told."""

    line: str
    spark_ui: str | None = None
    dagster: DagsterState | None = None
    unsupervised: bool = False  # though its sensor is on


def watch(connections: Connections, children: Children, stop: StopSignals, announce: Announce) -> None:
    """Keep everything running until a signal ends it."""
    settings = connections.settings
    spark_ui: str | None = None
    said = ""
    began = time.monotonic()
    hangs, seen = Hangs(began), _Seen("")
    configuration = read_configuration(settings)
    next_status = next_look = next_pruning = next_health = time.monotonic()
    while not stop.requested:
        now = time.monotonic()
        children.tick()
        if now >= next_look:
            next_look = now + DATABASE_INTERVAL
            if revive(settings):
                announce("The database had died and was started again.")
            if restore_configuration(configuration):
                announce("Dagster's directory had been deleted; its configuration was written again.")
        if now >= next_pruning:
            next_pruning = now + 3600
            embedded_server(settings).prune_logs()
        if now >= next_status:
            next_status = now + STATUS_INTERVAL
            seen = _look(connections, is_awaited=now - began < STREAM_AWAITED)
            if seen.spark_ui and seen.spark_ui != spark_ui:
                spark_ui = seen.spark_ui
                announce(f"  Spark      {spark_ui}")
            if seen.line != said:
                said = seen.line
                announce(f"{time.strftime('%H:%M:%S')}  {said}")
        if now >= next_health:
            next_health = now + HEALTH_INTERVAL
            # Asked for only where nobody looks: it takes a process.
            answers = not seen.unsupervised or code_server_answers(settings)
            hanging = hangs.look(read_health(settings), seen.dagster, code_server_answers=answers, now=now)
            for name, trouble in hanging.items():
                announce(f"{name} {trouble}; starting it again.")
                children.restart(name, DAEMON_END)
        stop.pause(0.5)


def _look(connections: Connections, *, is_awaited: bool) -> _Seen:
    """Look at the pipeline."""
    settings = connections.settings
    dagster = read_dagster_state(connections)
    try:
        with connections.open("reader") as connection:
            status = read_status(
                connection,
                settings.events_directory,
                is_awaited=is_awaited,
                writer=role_names(settings.role_prefix)["writer"],
                dagster=dagster,
                home=settings.home,
                in_force=sources_in_force(connection, settings) if settings.sources else None,
                archive=settings.archive_dir if settings.finished_files == "archive" else None,
            )
    except psycopg2.Error as error:
        away = read_status_away(unreachable(error), settings.home, settings.events_directory)
        return _Seen(status_away_line(away), dagster=dagster)
    except (ClickstreamError, OSError) as error:
        return _Seen(f"no status: {first_line(error)}", dagster=dagster)
    is_off = dagster is not None and dagster.is_off(SUPERVISOR)
    return _Seen(
        status_line(status),
        status.lease.spark_ui_url if status.lease.lock_held else None,
        dagster,
        unsupervised=status.decision.unsupervised is not None and not is_off,
    )
