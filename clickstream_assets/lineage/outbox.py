"""Which events of OpenLineage are due, and what was sent.

The ledger is the outbox: it has every micro-batch in the order of the commits, and every summary's record of what it
has taken in. `lineage_sent` says up to where the catalogue knows it. So nothing is written where no catalogue is named,
and while one is away nothing is lost, nor does anything grow.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from psycopg2.extensions import connection as Connection
from psycopg2.extras import NamedTupleCursor

from clickstream_assets.lineage.openlineage import Batch, Refresh
from clickstream_assets.sql_files import statement

STREAM = "events"  # the subject of micro-batches; each other one is a summary


@dataclass(frozen=True)
class Sent:
    """What the catalogue knows of a subject."""

    subject: str
    through_batch_id: int
    done_at: datetime | None  # of a summary: the refresh or rebuild that was sent last


@dataclass(frozen=True)
class Pause:
    """How sending goes: failures in a row, when to try again, and what went wrong last."""

    failures: int
    is_over: bool
    seconds: float
    last_error: str | None


def read_sent(connection: Connection) -> Sent:
    """Up to which micro-batch the catalogue knows. The first time that is an hour ago: a catalogue that is named for
    the first time is not sent years of history.
    """
    with connection.cursor() as cursor:
        cursor.execute(statement("lineage.begin"))
        cursor.execute(statement("lineage.sent"), {"subject": STREAM})
        ((subject, through, done_at),) = cursor.fetchall()
    return Sent(subject, through, done_at)


def read_pause(connection: Connection) -> Pause:
    with connection.cursor() as cursor:
        cursor.execute(statement("lineage.pause"), {"subject": STREAM})
        found = cursor.fetchone()
    return Pause(*found) if found else Pause(0, True, 0.0, None)


def due_batches(connection: Connection, after: int, limit: int) -> list[Batch]:
    """The next micro-batches that the catalogue does not know."""
    with connection.cursor(cursor_factory=NamedTupleCursor) as cursor:
        cursor.execute(statement("lineage.batches"), {"after": after, "limit": limit})
        return [Batch(*row) for row in cursor.fetchall()]


def due_refreshes(connection: Connection) -> list[Refresh]:
    """The summaries that changed since the catalogue was told, as they are now."""
    with connection.cursor() as cursor:
        cursor.execute(statement("lineage.refreshes"))
        return [Refresh(*row) for row in cursor.fetchall()]


def count_waiting(connection: Connection) -> int:
    """Micro-batches that the catalogue does not know yet."""
    with connection.cursor() as cursor:
        cursor.execute(statement("lineage.waiting"), {"subject": STREAM})
        ((waiting,),) = cursor.fetchall()
    return int(waiting)


def record_sent(
    connection: Connection, sent: Sent, *, events: int, refused: int = 0, error: str | None = None
) -> None:
    """Write down up to where the catalogue knows. `error` is the last refusal, if there was one."""
    with connection.cursor() as cursor:
        cursor.execute(
            statement("lineage.record"),
            {
                "subject": sent.subject,
                "through": sent.through_batch_id,
                "done_at": sent.done_at,
                "events": events,
                "refused": refused,
                "error": error,
            },
        )


def record_failure(connection: Connection, error: str, pause_seconds: float) -> None:
    """Write down that the catalogue is away, and when it is tried again."""
    with connection.cursor() as cursor:
        cursor.execute(
            statement("lineage.record_failure"),
            {"subject": STREAM, "error": error, "pause_seconds": pause_seconds},
        )
