"""Reads of the ledger: what the status command, the checks and the sensors say comes from here.

One function for each fact, each with one statement of `sql/queries/ledger.sql`, at a cost that does not grow with the
history.

The functions run in whatever transaction the connection is in; `snapshot` gives several of them one moment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ
from psycopg2.extensions import connection as Connection
from psycopg2.extras import RealDictCursor

from clickstream_assets.ledger.facts import (
    BatchesSince,
    CommittedBatch,
    Counts,
    Dropped,
    FilesSince,
    Latency,
    LeaseRow,
    WindowCounts,
)
from clickstream_assets.sql_files import statement

DEFAULT_WINDOW_SECONDS = 3600.0


@contextmanager
def snapshot(connection: Connection) -> Iterator[Connection]:
    """One read-only moment for several reads (REPEATABLE READ). No transaction may be open on entry."""
    autocommit = connection.autocommit
    connection.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True, autocommit=False)
    try:
        yield connection
    finally:
        if not connection.closed:
            connection.rollback()
            connection.set_session(isolation_level="default", readonly="default", autocommit=autocommit)


def read_lease(connection: Connection) -> LeaseRow:
    """The lease row and its lock."""
    return LeaseRow(**_one(connection, "lease.read"))


def read_lifetime_counts(connection: Connection) -> Counts:
    """Exact totals since the first batch, files delivered again included."""
    return Counts(**_one(connection, "ledger.lifetime_counts"))


def read_dropped(connection: Connection) -> Dropped:
    """What retention dropped, exactly: `rows_inserted` less this is what is stored."""
    return Dropped(**_one(connection, "ledger.dropped_events"))


def read_window_counts(
    connection: Connection, window_seconds: float = DEFAULT_WINDOW_SECONDS
) -> WindowCounts:
    """Totals of what was committed in the last `window_seconds`, files delivered again included."""
    row = _one(connection, "ledger.window_counts", {"window_seconds": window_seconds})
    return WindowCounts(**row, window_seconds=window_seconds)


def read_window_rejects(
    connection: Connection, window_seconds: float = DEFAULT_WINDOW_SECONDS
) -> dict[str, int]:
    """Rows rejected in the last `window_seconds` by reason, the most frequent first."""
    rows = _all(connection, "ledger.window_rejects", {"window_seconds": window_seconds})
    return {row["reason"]: row["rows"] for row in rows}


def read_latency(
    connection: Connection,
    window_seconds: float = DEFAULT_WINDOW_SECONDS,
    first_start_seconds: float | None = None,
) -> Latency:
    """Percentiles over the files committed in the last `window_seconds`.

    `first_start_seconds` leaves out those that landed before the first stream of all had run for so long.
    """
    parameters = {"window_seconds": window_seconds, "first_start_seconds": first_start_seconds}
    return Latency(**_one(connection, "ledger.window_latency", parameters))


def read_conflicts_counted(connection: Connection, limit: int) -> int:
    """Rows with the id and time of a stored event but other content, of all time, counted up to `limit`."""
    return int(_one(connection, "ledger.conflicts_counted", {"limit": limit})["rows"])


def read_newest_conflicts(connection: Connection, examples: int) -> list[dict[str, Any]]:
    """The newest of them: `event_id`, `event_time` (ISO 8601), `path`, `line_no`, `differs_in`."""
    rows = _all(connection, "ledger.conflicts_newest", {"examples": examples})
    return [row | {"event_time": row["event_time"].isoformat()} for row in rows]


def read_last_batch(connection: Connection) -> CommittedBatch | None:
    """The newest micro-batch, or None before the first."""
    rows = _all(connection, "ledger.last_batch")
    return CommittedBatch(**rows[0]) if rows else None


def read_batches_since(connection: Connection, batch_id: int) -> BatchesSince:
    """Everything committed after `batch_id` (0: all). Exact: no batch can appear later with a lower id."""
    return BatchesSince(**_one(connection, "ledger.batches_since", {"batch_id": batch_id}))


def read_files_since(connection: Connection, file_id: int) -> FilesSince:
    """Every delivery registered after `file_id` (0: all)."""
    return FilesSince(**_one(connection, "ledger.files_since", {"file_id": file_id}))


def read_newest_event_time(connection: Connection) -> datetime | None:
    """The newest `event_time` among the good rows ever read, or None before the first."""
    newest: datetime | None = _one(connection, "ledger.newest_event_time")["newest_event_time"]
    return newest


def _all(
    connection: Connection, name: str, parameters: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    with connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute(statement(name), parameters or {})
        return [dict(row) for row in cursor.fetchall()]


def _one(connection: Connection, name: str, parameters: Mapping[str, Any] | None = None) -> dict[str, Any]:
    (row,) = _all(connection, name, parameters)
    return row
