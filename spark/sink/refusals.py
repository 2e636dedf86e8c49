"""Rows that PostgreSQL refuses: finding them by halving, and making rejects of them.

A trigger or a CHECK that somebody put on `events`, or a value that nobody thought of, costs a row and not the stream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import psycopg2
from psycopg2.extensions import cursor as Cursor

from clickstream_assets.sql_files import statement

REASON = "refused_by_database"
SUPPRESSED = "A trigger on events kept the row from being stored."
# SQLSTATE classes that are about the values of a row: data exceptions, constraints, a view's check option, program
# limits (such as the length of an index row), errors that functions raise.
ROW_CLASSES = ("22", "23", "38", "39", "44", "54", "P0")
ROWS_PER_PAGE = 2048  # more than a page holds: PostgreSQL allows pages of 32 KiB and rows of 24 bytes
MAX_DETAIL = 1_000  # characters


@dataclass(frozen=True)
class Refused:
    """A row that PostgreSQL refused, and its own sentence about it."""

    file_id: int
    line_no: int
    detail: str


def is_about_a_row(error: psycopg2.Error) -> bool:
    """Whether an error says that PostgreSQL does not want some row, and not that it cannot work."""
    return error.pgcode is not None and error.pgcode[:2] in ROW_CLASSES


def sentence(error: psycopg2.Error) -> str:
    """What PostgreSQL says, on one line."""
    said = error.diag.message_primary or str(error)
    return " ".join(said.replace("\0", "").split())[:MAX_DETAIL]


Merge = Callable[[str, str], Sequence[tuple[int, int]]]  # inserted rows by file, between two places
Rows = Callable[[str, str], Sequence[tuple[int, int]]]  # file and line of the rows between two places


def merge_by_halves(
    cursor: Cursor, pages: int, merge: Merge, rows: Rows
) -> Iterator[tuple[int, int] | Refused]:
    """Merge the rows of a table of so many pages; what is refused is halved until the row is found.

    Yields (file_id, inserted rows), and the refused.
    """
    waiting = [(0, pages * ROWS_PER_PAGE)]
    while waiting:
        first, last = waiting.pop()
        low, high = _place(first), _place(last)
        cursor.execute(statement("savepoint.set"))
        try:
            inserted = merge(low, high)
        except psycopg2.Error as error:
            if not is_about_a_row(error):
                raise
            cursor.execute(statement("savepoint.undo"))
            found = rows(low, high)
            if len(found) == 1:
                yield Refused(*found[0], sentence(error))
            elif found:
                middle = (first + last) // 2
                waiting += [(middle, last), (first, middle)]
        else:
            cursor.execute(statement("savepoint.release"))
            yield from inserted


def _place(number: int) -> str:
    return f"({number // ROWS_PER_PAGE},{number % ROWS_PER_PAGE})"


def by_file(refused: Iterable[Refused]) -> dict[int, dict[int, str]]:
    """The details of refused rows by file and line."""
    found: dict[int, dict[int, str]] = {}
    for row in refused:
        found.setdefault(row.file_id, {})[row.line_no] = row.detail
    return found
