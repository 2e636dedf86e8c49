"""Whether Dagster watches over the pipeline, from its database: what is switched off or fails, a daemon that is silent.

Without Dagster's library, so that `clickstream status` and `up` can tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import psycopg2

from clickstream_assets.errors import ClickstreamError
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.sql_files import statement
from clickstream_assets.text import first_line, moment

# Seconds. Each of the daemon's threads gives a sign of life every 30; Dagster itself calls it healthy for half an hour.
DAEMON_SILENT_AFTER = 75.0
# A sensor whose tick cannot even begin has none that failed: its cursor was set to nonsense, or its thread hangs.
LATE_AFTER, SETTLED_AFTER = 90.0, 60.0
# Those that are there whatever the settings; of one that was taken away the last tick stays.
SENSORS = ("alerts", "event_check_results", "ingest_progress", "refresh_summaries", "spark_stream_supervisor")


@dataclass(frozen=True)
class DagsterState:
    """What Dagster's database says. Times are UTC."""

    switched_off: tuple[tuple[str, str], ...] = ()  # sensor or schedule, and its name
    failing: tuple[tuple[str, str], ...] = ()  # the sensor's name, and its error
    late: tuple[tuple[str, datetime], ...] = ()  # the sensor's name, and its last tick
    daemon_at: datetime | None = None  # when the daemon was last heard of; None: never
    now: datetime | None = None

    @property
    def daemon_age(self) -> float | None:
        """Seconds since the daemon was heard of."""
        if self.daemon_at is None or self.now is None:
            return None
        return max(0.0, (self.now - self.daemon_at).total_seconds())

    @property
    def complaints(self) -> tuple[str, ...]:
        """What is not as it should be, one clause each."""
        clauses = [f"the {kind} {name} is switched off" for kind, name in self.switched_off]
        clauses += [f"the sensor {name} fails: {error}" for name, error in self.failing]
        clauses += [f"the sensor {name} {late_since(last)}" for name, last in self.late]
        if (self.daemon_age or 0.0) > DAEMON_SILENT_AFTER:
            clauses.append(f"Dagster's daemon has not been heard of since {moment(self.daemon_at)}")
        return tuple(clauses)

    def is_off(self, sensor: str) -> bool:
        return ("sensor", sensor) in self.switched_off


def late_since(last_tick: datetime) -> str:
    """What is said of a sensor that does not tick, as a clause without its subject."""
    return f"has not ticked since {moment(last_tick)}: Dagster cannot read its cursor, or the daemon's log says why"


def read_dagster_state(connections: Connections) -> DagsterState | None:
    """What Dagster's database says; None where there is none, or it cannot be read from here."""
    try:
        with connections.open("dagster") as connection:
            return read_state(connection)
    except (psycopg2.Error, ClickstreamError, OSError):
        return None


def read_state(connection: psycopg2.extensions.connection) -> DagsterState:
    """What the database behind `connection` says.

    Raises:
        psycopg2.Error: it is not Dagster's.
    """
    with connection.cursor() as cursor:
        cursor.execute(statement("dagster_state.switched_off"))
        switched_off = tuple((kind, name) for kind, name in cursor.fetchall())
        cursor.execute(statement("dagster_state.failing"))
        failing = tuple((name, first_line(error or "")) for name, error in cursor.fetchall())
        limits = {"names": list(SENSORS), "late_seconds": LATE_AFTER, "settled_seconds": SETTLED_AFTER}
        cursor.execute(statement("dagster_state.late"), limits)
        late = tuple((name, last) for name, last in cursor.fetchall())
        cursor.execute(statement("dagster_state.daemon"))
        daemon_at, now = cursor.fetchone() or (None, None)
    return DagsterState(switched_off, failing, late, daemon_at, now)
