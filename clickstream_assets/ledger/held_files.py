"""Files that the rules of their source hold back: listing them, and deciding about them.

Released, a file is taken by the stream as it is, by the mapping of now; dropped, it never is. Either is said once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg2.extensions import connection as Connection
from psycopg2.extras import RealDictCursor

from clickstream_assets.errors import SettingsError
from clickstream_assets.sql_files import statement
from clickstream_assets.text import printable


@dataclass(frozen=True)
class HeldFile:
    """A file that is held back. `rows`: its records; `released_at`: it is released, but not taken yet."""

    file_id: int
    source: str
    path: str
    reason: str
    detail: str | None
    rows: int
    size_bytes: int
    landed_at: datetime
    registered_at: datetime
    released_at: datetime | None


@dataclass(frozen=True)
class WhichHeld:
    """Which of them; None does not filter. All that are given must hold."""

    file_ids: Sequence[int] | None = None
    source: str | None = None
    reason: str | None = None

    def check(self) -> None:
        """Raises SettingsError where nothing is chosen: all of them are to be asked for by their source or reason."""
        if self.file_ids is None and self.source is None and self.reason is None:
            raise SettingsError("no file was chosen: give file ids, a source or a reason.")


def read_held(connection: Connection, which: WhichHeld | None = None) -> list[HeldFile]:
    """Those that are held back, the oldest first; the reader's rights are enough."""
    with connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute(statement("held.list"), _parameters(which or WhichHeld()))
        return [HeldFile(**row) for row in cursor.fetchall()]


def release(connection: Connection, which: WhichHeld) -> list[HeldFile]:
    """Have the stream take them; returns those that it is now to take. The connection may write.

    Raises:
        SettingsError: a file that was named is not held back, or nothing was chosen.
    """
    return _decide(connection, which, "held.release")


def drop(connection: Connection, which: WhichHeld) -> list[HeldFile]:
    """Decide against them; returns those that are dropped now. Their files stay where they are.

    Raises:
        SettingsError: a file that was named is not held back, or nothing was chosen.
    """
    return _decide(connection, which, "held.drop")


def _decide(connection: Connection, which: WhichHeld, name: str) -> list[HeldFile]:
    which.check()
    with connection, connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute(statement(name), _parameters(which))
        done = [HeldFile(**row) for row in cursor.fetchall()]
        if missing := sorted(set(which.file_ids or ()) - {file.file_id for file in done}):
            named = printable(", ".join(map(str, missing[:5])))
            raise SettingsError(
                f"file {named} is not held back: `clickstream files list` shows those that are. Nothing was done."
            )
    return done


def _parameters(which: WhichHeld) -> dict[str, object]:
    return {
        "file_ids": list(which.file_ids) if which.file_ids is not None else None,
        "source": which.source,
        "reason": which.reason,
    }
