"""Which files a rate is about: those with the most rejected or duplicate rows of the checks' window.

Read only where a rate is over its limit: it looks at each file of the window, which the rate itself does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from psycopg2.extensions import connection as Connection

from clickstream_assets.sql_files import statement
from clickstream_assets.text import count, printable

SHOWN = 5

Kind = Literal["rejected", "duplicate"]


@dataclass(frozen=True)
class WorstFile:
    """One file, with how many of its rows are meant, and when they came in."""

    path: str
    rows: int
    rows_read: int
    finished_at: datetime  # the commit of its last rows; for a file delivered again, when that was noticed

    def as_metadata(self) -> dict[str, Any]:
        """As the checks show it."""
        return {
            "file": self.path,
            "rows": self.rows,
            "rows_read": self.rows_read,
            "at": f"{self.finished_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC",
        }


def read_worst_files(connection: Connection, kind: Kind, window_seconds: float) -> list[WorstFile]:
    """The files of the last `window_seconds` with the most rows of `kind`, at most `SHOWN`, the worst first."""
    with connection.cursor() as cursor:
        cursor.execute(
            statement("checks.worst_files"), {"kind": kind, "window_seconds": window_seconds, "files": SHOWN}
        )
        return [WorstFile(*row) for row in cursor]


def worst_named(files: Sequence[WorstFile]) -> str:
    """A clause that names the first of `files`, or nothing."""
    if not files:
        return ""
    first = files[0]
    return (
        f" Most in {printable(first.path)}: {count(first.rows)} of {count(first.rows_read)}, "
        f"at {first.finished_at.astimezone(UTC):%H:%M:%S} UTC."
    )
