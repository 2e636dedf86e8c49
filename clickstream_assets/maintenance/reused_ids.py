"""The same event id at another time: looked for in new batches, against the unique index of `events`.

Two such rows are two events (an event is the same when id and time agree), so both are stored. They say that a
producer reuses ids, or delivers an event again with another time, and then they are one too many.

It keeps how far it has looked. The verdict is the check `same_id_other_time`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime

from psycopg2.extensions import connection as Connection

from clickstream_assets.sql_files import statement

SLICE_ROWS = 500_000  # events looked at in one transaction
TIME_LIMIT = 300.0  # seconds of one look; the rest is looked at the next time
NAMED_PER_SLICE = 1_000  # kept by name; all are counted
KEPT = 10_000  # named at any time
RECENT_DAYS = 7  # the check judges what was found in these


@dataclass(frozen=True)
class ReusedIdsFound:
    """What one look did."""

    found: int
    batches: int
    batches_left: int


@dataclass(frozen=True)
class ReusedIdsState:
    """What is known. `recent`: named in the last RECENT_DAYS."""

    through_batch_id: int
    reused: int
    looked_at: datetime | None
    newest_batch_id: int
    recent: int
    examples: tuple[str, ...]


def find_reused_ids(
    connection: Connection, *, slice_rows: int = SLICE_ROWS, time_limit: float = TIME_LIMIT
) -> ReusedIdsFound:
    """Look at the batches that were not looked at yet. The connection autocommits, and may write."""
    deadline = time.monotonic() + time_limit
    found = batches = 0
    with connection.cursor() as cursor:
        cursor.execute(statement("reused_ids.create_table"))
        while True:
            with connection:
                cursor.execute(statement("reused_ids.by_index"))
                cursor.execute(statement("reused_ids.next"), {"row_limit": slice_rows})
                through, target, newest = cursor.fetchone() or (0, 0, 0)
                if target > through:
                    cursor.execute(statement("reused_ids.find"), {"through": through, "target": target})
                    found_here = cursor.rowcount
                    cursor.execute(statement("reused_ids.keep"), {"limit": NAMED_PER_SLICE})
                    cursor.execute(statement("reused_ids.record"), {"target": target, "found": found_here})
                    found, batches = found + found_here, batches + target - through
            if target >= newest or time.monotonic() > deadline:
                break
        cursor.execute(statement("reused_ids.forget"), {"keep": KEPT})
        cursor.execute(statement("reused_ids.drop_table"))
    return ReusedIdsFound(found, batches, max(0, newest - target))


def read_reused_ids(connection: Connection) -> ReusedIdsState:
    """What the looks have found so far."""
    with connection.cursor() as cursor:
        cursor.execute(statement("reused_ids.state"), {"days": RECENT_DAYS})
        row = cursor.fetchone()
    assert row is not None  # noqa: S101 (one row by its key)
    through, reused, looked_at, newest, recent, examples = row
    return ReusedIdsState(through, reused, looked_at, newest, recent, tuple(examples))
