"""Retention: dropping the partitions of `events` that are older than the limit, and saying so in the books.

The drop itself is the function `drop_oldest_event_partition` of `sql/postgres_setup.sql`, which only the owner may
call. Older rows that arrive later are turned away by `spark/cleaning/rules.py` (reason `too_old`).

Safety properties:
- A partition goes in one transaction with the count of its rows by file and batch: the audit stays exact.
- Nothing is dropped that a summary has not counted: their records decide, in the transaction of the drop. A batch that
  commits after the refresh before it is found there, and the summaries are refreshed again. They keep what they have
  of those days.
- What was dropped does not come back: the stream rejects rows from before it, and no partition is made there, even
  if the limit is lifted later. Summaries would count such events a second time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from psycopg2 import errors
from psycopg2.extensions import connection as Connection

from clickstream_assets.sql_files import statement
from clickstream_assets.summaries import refresh as summaries
from clickstream_assets.text import first_line

LOCK_LIMIT = "5s"  # behind a long query on events; all others wait behind us meanwhile
REFRESHES = 5  # of the summaries, in a row, because of batches that came meanwhile; a backfill may bring many


@dataclass(frozen=True)
class DroppedPartition:
    """One partition, with the time that it covered; `rows` are events."""

    partition: str
    from_time: datetime
    to_time: datetime
    rows: int


@dataclass(frozen=True)
class Retention:
    """What was dropped now, and why the rest was not, where something is left."""

    dropped: tuple[DroppedPartition, ...] = ()
    postponed: str | None = None


def drop_expired(owner: Connection, writer: Connection, days: int) -> Retention:
    """Drop every partition of events that lies wholly before the last `days` days. Both connections autocommit."""
    with owner.cursor() as cursor:
        cursor.execute(statement("maintenance.expired_partitions"), {"days": days})
        if not cursor.fetchall():
            return Retention()
    dropped: list[DroppedPartition] = []
    for _ in range(REFRESHES):
        try:
            for name in summaries.NAMES:
                summaries.refresh(writer, name)
            _drop_counted(owner, days, dropped)
        except summaries.SummaryError as error:
            return Retention(tuple(dropped), str(error).rstrip("."))
        except (errors.LockNotAvailable, errors.DeadlockDetected):
            return Retention(
                tuple(dropped), f"events are in use by a query that lasts longer than {LOCK_LIMIT}"
            )
        except errors.ObjectNotInPrerequisiteState as error:
            uncounted = first_line(error)
        else:
            return Retention(tuple(dropped))
    return Retention(tuple(dropped), uncounted)


def _drop_counted(owner: Connection, days: int, dropped: list[DroppedPartition]) -> None:
    """Drop one partition after the other, each in a transaction of its own.

    Raises:
        ObjectNotInPrerequisiteState: the next one holds events that a summary has not counted.
    """
    while True:
        with owner, owner.cursor() as cursor:
            cursor.execute(statement("session.limit_lock_wait"), {"limit": LOCK_LIMIT})
            cursor.execute(statement("maintenance.drop_expired_partition"), {"days": days})
            row = cursor.fetchone()
        if row is None:
            return
        dropped.append(DroppedPartition(*row))
