"""What the ledger says by source: the files of the last hour, those that are held back, and who is in trouble."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg2.extensions import connection as Connection
from psycopg2.extras import RealDictCursor

from clickstream_assets.ledger.reads import DEFAULT_WINDOW_SECONDS, Counts, FilesSince
from clickstream_assets.sql_files import statement

NO_ROWS: Mapping[str, Any] = {}


@dataclass(frozen=True)
class SourceCounts(Counts):
    """The files of a source that were finished in the window. Latency in seconds, from landing to visible rows; None
    where there are none."""

    files: int
    duplicate_files: int  # delivered again whole
    p50_seconds: float | None
    p99_seconds: float | None
    last_committed_at: datetime | None


NOTHING = SourceCounts(0, 0, 0, 0, 0, 0, None, None, None)


@dataclass(frozen=True)
class SourceFacts:
    """One source. `refused_files`: that could not be read, in the window; `new_headers`: first seen in it."""

    counts: SourceCounts = NOTHING
    rejects_by_reason: Mapping[str, int] = field(default_factory=dict)
    held_files: int = 0
    held_rows: int = 0
    held_since: datetime | None = None
    held_reasons: tuple[str, ...] = ()
    refused_files: int = 0
    refused_reasons: tuple[str, ...] = ()
    new_headers: int = 0
    in_force_since: datetime | None = None
    problem: str | None = None
    problem_since: datetime | None = None


def read_source_facts(
    connection: Connection, window_seconds: float = DEFAULT_WINDOW_SECONDS
) -> dict[str, SourceFacts]:
    """By source; one of which the ledger knows nothing is not there. The reader's rights are enough."""
    parameters = {"window_seconds": window_seconds}
    counts = {
        row.pop("source"): SourceCounts(**row) for row in _rows(connection, "by_source.window", parameters)
    }
    reasons: dict[str, dict[str, int]] = {}
    for row in _rows(connection, "by_source.rejects", parameters):
        reasons.setdefault(row["source"], {})[row["reason"]] = row["rows"]
    others = _by_source(connection, "by_source.held"), _by_source(connection, "by_source.refused", parameters)
    held, refused = others
    headers = _by_source(connection, "by_source.new_headers", parameters)
    recorded = _by_source(connection, "by_source.recorded")
    names = counts.keys() | held.keys() | refused.keys() | headers.keys() | recorded.keys()
    return {
        name: SourceFacts(
            counts=counts.get(name, NOTHING),
            rejects_by_reason=reasons.get(name, {}),
            **_texts(held.get(name, NO_ROWS), "held_reasons"),
            **_texts(refused.get(name, NO_ROWS), "refused_reasons"),
            **headers.get(name, NO_ROWS),
            **recorded.get(name, NO_ROWS),
        )
        for name in names
    }


def read_files_since_by_source(connection: Connection, file_id: int) -> dict[str, FilesSince]:
    """Every delivery registered after `file_id` (0: all), by source."""
    rows = _by_source(connection, "by_source.files_since", {"file_id": file_id})
    return {source: FilesSince(**row) for source, row in rows.items()}


def _texts(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {**row, name: tuple(row[name])} if row else {}


def _by_source(
    connection: Connection, name: str, parameters: Mapping[str, Any] | None = None
) -> dict[str, dict[str, Any]]:
    return {row.pop("source"): row for row in _rows(connection, name, parameters)}


def _rows(
    connection: Connection, name: str, parameters: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    with connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute(statement(name), parameters or {})
        return [dict(row) for row in cursor.fetchall()]
