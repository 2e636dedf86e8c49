"""One transaction of a summary's refresh: its settings, its statements and its record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from psycopg2.extensions import TRANSACTION_STATUS_IDLE
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from clickstream_assets.sql_files import statement


@dataclass(frozen=True)
class Record:
    """What a summary's table holds, as its locked row in `summary_state` says."""

    summary: str
    through: int  # last batch in the table
    last_event_id: int  # highest events.id in it
    source_generation: int  # of sessions, where the table follows it
    row_count: int


@dataclass(frozen=True)
class Added:
    """What was taken in."""

    events: int = 0
    groups: int = 0  # rows of the summary that were written
    rows_added: int = 0  # of these, new ones, less those deleted
    last_event_id: int = 0  # highest of these events; 0 where no event was read

    def __add__(self, other: Added) -> Added:
        return Added(
            self.events + other.events,
            self.groups + other.groups,
            self.rows_added + other.rows_added,
            max(self.last_event_id, other.last_event_id),
        )


class Transaction:
    """The statements of one open transaction."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    def execute(self, name: str, **parameters: object) -> None:
        self._cursor.execute(statement(name), parameters or None)

    def rows(self, name: str, **parameters: object) -> list[tuple[Any, ...]]:
        self.execute(name, **parameters)
        return self._cursor.fetchall()

    def value(self, name: str, **parameters: object) -> Any:
        """The first column of the only row."""
        return self.rows(name, **parameters)[0][0]

    def add(self, name: str, **parameters: object) -> Added:
        """Run a statement that answers with the fields of `Added`."""
        return Added(*self.rows(name, **parameters)[0])

    def lock(self, summary: str) -> Record:
        """Lock the summary's record until the end of the transaction; waits for another refresh of it."""
        return Record(summary, *self.rows("summaries.lock", summary=summary)[0])

    def record(self, record: Record) -> None:
        """Write the record of the summary that was locked."""
        self.execute(
            "summaries.record",
            summary=record.summary,
            through=record.through,
            last_event_id=record.last_event_id,
            source_generation=record.source_generation,
            row_count=record.row_count,
        )

    def remember(self) -> None:
        """Remember this point of the transaction."""
        self._cursor.execute(statement("savepoint.set"))

    def undo(self) -> None:
        """Undo what was done since it was remembered."""
        self._cursor.execute(statement("savepoint.undo"))


@contextmanager
def transaction(connection: Connection, *, sequential_scans: bool = False) -> Iterator[Transaction]:
    """Begin a transaction with the settings of a refresh; commit it at the end, or roll it back on an error.

    Raises:
        ValueError: the connection is in a transaction already, whose end would not be ours to decide.
    """
    if connection.info.transaction_status != TRANSACTION_STATUS_IDLE:
        raise ValueError("a summary is refreshed in a transaction of its own, and this connection is in one")
    with connection, connection.cursor() as cursor:
        cursor.execute(
            statement("summaries.settings"), {"sequential_scans": "on" if sequential_scans else "off"}
        )
        yield Transaction(cursor)
