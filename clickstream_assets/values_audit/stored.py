"""The stored rows of files, in the order of their lines: read through a cursor of the server, never all at once."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, NamedTuple, TypeVar

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from clickstream_assets.contract import FIELDS
from clickstream_assets.second_reader.outcomes import Event
from clickstream_assets.sql_files import statement

FETCH_ROWS = 5_000
LAST_LINE = 2**63 - 1
# What two rows with the same id and time have in common where they are one event.
COMPARED = tuple(name for name in FIELDS if name not in ("event_id", "event_time"))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class StoredEvent(NamedTuple):
    """`values` of the fields, in the order of the contract and as `Event` has them. `extra` is JSON text."""

    file_id: int
    line_no: int
    values: tuple[Any, ...]
    extra: str | None
    ingested_at: int  # microseconds since 1970


class StoredReject(NamedTuple):
    file_id: int
    line_no: int
    reason: str
    raw: bytes
    byte_offset: int
    byte_length: int
    rejected_at: int


class Duplicate(NamedTuple):
    """What is stored of an event that was not stored itself."""

    is_stored: bool
    is_conflict: bool  # noted as one with other content
    values: tuple[Any, ...]  # of `COMPARED`; the price is a number
    extra: str | None


Row = TypeVar("Row", StoredEvent, StoredReject)


class StoredRows(Generic[Row]):
    """Rows in order, taken by file and line."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self._rows: Iterator[Row] = rows
        self._head: Row | None = next(rows, None)

    def before(self, file_id: int, line_no: int) -> Iterator[Row]:
        """Take those that come before a line."""
        while (head := self._head) is not None and (head.file_id, head.line_no) < (file_id, line_no):
            self._head = next(self._rows, None)
            yield head

    def at(self, file_id: int, line_no: int) -> Row | None:
        """Take the one of this line, if it is the next."""
        head = self._head
        if head is None or head.line_no != line_no or head.file_id != file_id:
            return None
        self._head = next(self._rows, None)
        return head


class Span(NamedTuple):
    """Files from one id to another; of a single file, lines from one to another."""

    first_file_id: int
    last_file_id: int
    first_line: int = 0
    last_line: int = LAST_LINE


def stored_events(connection: Connection, span: Span) -> Generator[StoredEvent, None, None]:
    """The events of `span`. To be read, or closed, within the transaction."""
    place = FIELDS.index("price") - len(FIELDS)
    for file_id, line_no, extra, ingested_at, *values in _rows(connection, "values.events", span):
        if values[place] is not None:
            values[place] = f"{values[place]:f}"  # as PostgreSQL shows it
        yield StoredEvent(file_id, line_no, tuple(values), extra, ingested_at)


def stored_rejects(connection: Connection, span: Span) -> Generator[StoredReject, None, None]:
    """The rejected rows of `span`. To be read, or closed, within the transaction."""
    for row in _rows(connection, "values.rejects", span):
        yield StoredReject(row[0], row[1], row[2], bytes(row[3]), *row[4:])


def stored_duplicates(
    connection: Connection, file_id: int, events: Sequence[Event]
) -> Iterator[tuple[Event, Duplicate]]:
    """For each of `events`, which are in the order of their lines: what is stored with its id and time."""
    parameters = {
        "file_id": file_id,
        "lines": [event.line_no for event in events],
        "event_ids": [event.event_id for event in events],
        "event_times": [_EPOCH + timedelta(microseconds=event.event_time) for event in events],
    }
    with connection.cursor() as cursor:
        cursor.execute(_with_fields("values.duplicates", COMPARED), parameters)
        rows = cursor.fetchall()
    for event, row in zip(events, rows, strict=True):
        yield event, Duplicate(row[1], row[2], row[4:], row[3])


def _rows(connection: Connection, name: str, span: Span) -> Iterator[tuple[Any, ...]]:
    with connection.cursor(name) as cursor:
        cursor.itersize = FETCH_ROWS
        cursor.execute(_with_fields(name, FIELDS), span._asdict())
        yield from cursor


def _with_fields(name: str, fields: Sequence[str]) -> sql.Composed:
    columns = [sql.Identifier("moment" if field == "event_time" else "e", field) for field in fields]
    return sql.SQL(statement(name)).format(fields=sql.SQL(", ").join(columns))
