"""The headers of the last day against those before, told from what the ledger keeps, for the check `schema_drift`.

It also has the words for how one header differs from another.

A header is its columns in their order and spelling, and its delimiter. What is new is exact and cheap: the ledger
has one row a distinct header, with the moment when it first came. A producer that goes back to a header that is
known changes nothing that was not reported when it came.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg2.extensions import connection as Connection

from clickstream_assets.sql_files import statement
from clickstream_assets.text import count, printable

COLUMNS_NAMED = 10  # of a difference
NAME_LENGTH = 40  # characters of a column's name
EXAMPLES = 5  # paths of unreadable files that are named, a reason
HEADER_REASONS = (
    "no_header",
    "missing_columns",
    "too_many_columns",
    "header_too_long",
    "line_ends",
)  # spark/reading/header.py


@dataclass(frozen=True)
class Header:
    """One distinct header. `path`: the first file that came with it, where it is new."""

    columns: tuple[str, ...]
    delimiter: str
    first_seen_at: datetime
    is_new: bool
    path: str | None


@dataclass(frozen=True)
class RejectedFiles:
    """Files of which nothing could be read, for one reason."""

    reason: str
    files: int
    paths: tuple[str, ...]  # the newest of them


@dataclass(frozen=True)
class Headers:
    """The headers of the window against those before it."""

    known: tuple[Header, ...]
    new: tuple[Header, ...]
    rejected: tuple[RejectedFiles, ...]
    window_seconds: float

    @property
    def unusable(self) -> int:
        """Files whose header cannot be used."""
        return sum(group.files for group in self.rejected if group.reason in HEADER_REASONS)

    @property
    def unreadable(self) -> int:
        """Files that cannot be read for another reason."""
        return sum(group.files for group in self.rejected) - self.unusable

    def changes(self) -> list[str]:
        """What is new, one clause a header: its first file, the moment, and the difference."""
        clauses = []
        for header in self.new:
            before = [
                *self.known,
                *(other for other in self.new if other.first_seen_at < header.first_seen_at),
            ]
            where = f"{printable(header.path or 'a file')} since {header.first_seen_at:%Y-%m-%d %H:%M:%S} UTC"
            clauses.append(f"{where}: {difference(most_alike(header, before), header)}")
        return clauses


def read_headers(connection: Connection, window_seconds: float) -> Headers:
    """The headers and unreadable files of the last `window_seconds`."""
    with connection.cursor() as cursor:
        cursor.execute(statement("checks.headers"), {"window_seconds": window_seconds})
        headers = [Header(tuple(columns), *rest) for columns, *rest in cursor.fetchall()]
        cursor.execute(
            statement("checks.rejected_files"), {"window_seconds": window_seconds, "examples": EXAMPLES}
        )
        rejected = tuple(
            RejectedFiles(reason, files, tuple(paths)) for reason, files, paths in cursor.fetchall()
        )
    return Headers(
        tuple(header for header in headers if not header.is_new),
        tuple(header for header in headers if header.is_new),
        rejected,
        window_seconds,
    )


def most_alike(header: Header, others: Sequence[Header]) -> Header | None:
    """The one of `others` that shares the most columns, the newest of equals; None where there is none."""
    columns = set(header.columns)
    return max(
        others,
        key=lambda other: (len(columns & set(other.columns)), other.first_seen_at),
        default=None,
    )


def difference(before: Header | None, after: Header) -> str:
    """What a reader of the files would have to change, as a clause."""
    if before is None:
        return f"columns {_named(after.columns)}"
    added = [column for column in after.columns if column not in before.columns]
    gone = [column for column in before.columns if column not in after.columns]
    parts = []
    if gone:
        parts.append(f"without {_named(gone)}")
    if added:
        parts.append(f"with {_named(added)}")
    if not added and not gone and before.columns != after.columns:
        parts.append("the same columns in another order")
    if before.delimiter != after.delimiter:
        parts.append(f"separated by {after.delimiter!r} instead of {before.delimiter!r}")
    return ", ".join(parts) or "the same"


def _named(columns: Sequence[str]) -> str:
    """The first of `columns`, cut where they are long: their names are whatever a producer wrote."""
    names = [printable(name if len(name) <= NAME_LENGTH else f"{name[:NAME_LENGTH]}…") for name in columns]
    more = f" and {count(len(names) - COLUMNS_NAMED)} more" if len(names) > COLUMNS_NAMED else ""
    return ", ".join(names[:COLUMNS_NAMED]) + more
