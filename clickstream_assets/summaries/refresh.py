"""The refresh engine of the summaries: incremental, rebuilt whole, or one day of it.

It says where transactions begin and end, and why the result is exact. What happens inside one is in `summary` and
the modules of its kinds, in `transaction` and in `sql/summaries/`.

Why a batch counts exactly once
- A refresh first locks its record, then reads up to which batch the ledger goes (the target), then adds the
  events of the batches after its record up to the target, and writes the target into the record: all in one
  transaction. A second refresh waits at the lock, and then finds that record.
- A batch's events and its row in the ledger commit together, batch ids have no gaps and commit in their order.
  So every event up to the target is visible to any later statement, and READ COMMITTED is enough: a newer
  snapshot could only show more, which `batch_id <= target` leaves out.
- Nothing that the stream needs is locked: the events and the ledger are only read.

What is added to what
- `product_performance`, `hourly_traffic` and `sessions` add up the new events. `sessions` stops at the batch
  through which `user_agents` knows every string.
- `conversion_funnel` and `device_usage` follow `sessions`: each refresh of sessions notes in `session_changes` by
  how much it changed each day and device, so that a late event moves its session from one day to another.
  They share-lock the record of `sessions` while they read. Where sessions was recomputed (its generation
  grew), they recompute from it.

What a rebuild covers: everything from the oldest partition of `events` on. Older rows of a summary stay as they
are, since the events they came from were dropped; so do sessions that started there.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import date
from typing import Literal

from psycopg2.extensions import connection as Connection

from clickstream_assets.sql_files import statement
from clickstream_assets.summaries.catalogue import NAMES, SUMMARIES
from clickstream_assets.summaries.summary import Summary, SummaryError
from clickstream_assets.summaries.transaction import Added, Record, transaction

__all__ = ["NAMES", "Refresh", "SummaryError", "lag", "rebuild", "rebuild_day", "refresh"]

ROWS_PER_TRANSACTION = 2_000_000  # events; keeps the sorts and the locks of a long backlog bounded


@dataclass(frozen=True)
class Refresh:
    """What one refresh did."""

    summary: str
    mode: Literal["incremental", "rebuild", "day"]
    batches: int  # taken in
    through_batch: int  # last batch in the table now
    events: int  # read; 0 where the summary follows sessions
    events_gone: int  # of the batches taken in, but dropped from events before that
    groups: int  # rows of the summary that were written
    row_count: int  # of the table now
    seconds: float


def refresh(connection: Connection, summary: str, *, row_limit: int = ROWS_PER_TRANSACTION) -> Refresh:
    """Take the batches in that the summary has not recorded yet, about `row_limit` events a transaction.

    Raises:
        SummaryError: the ledger ends before the summary's record does.
        psycopg2.Error: a transaction failed; the table and its record are as before it.
    """
    began, kind = time.monotonic(), _kind(summary)
    _refresh_needed(connection, kind, row_limit)
    batches, total, total_gone = 0, Added(), 0
    while True:
        with transaction(connection) as run:
            old = run.lock(summary)
            taken = kind.take_in(run, old, row_limit)
            new = taken.record
            if new != old:
                run.record(new)
        batches, total = batches + new.through - old.through, total + taken.added
        total_gone += taken.gone
        if new.through in (old.through, taken.upto):
            return _result("incremental", new, batches, total, began, total_gone)


def rebuild(connection: Connection, summary: str, *, row_limit: int = ROWS_PER_TRANSACTION) -> Refresh:
    """Recompute the summary from the oldest partition of `events` on, in one transaction.

    Raises:
        psycopg2.Error: it failed; the table and its record are as before.
    """
    began, kind = time.monotonic(), _kind(summary)
    _refresh_needed(connection, kind, row_limit)
    with transaction(connection, sequential_scans=True) as run:
        old = run.lock(summary)
        new, added = kind.remake(run, old, row_limit)
        run.record(new)
        run.execute("summaries.record_rebuild", summary=summary)
    return _result("rebuild", new, max(0, new.through - old.through), added, began)


def rebuild_day(connection: Connection, summary: str, day: date) -> Refresh:
    """Recompute one day (UTC) of the summary: of sessions, those with an event on it or recorded as begun on it.

    Raises:
        SummaryError: no partition holds the day's events (any more), or the summary has no days.
        psycopg2.Error: it failed; the table and its record are as before.
    """
    began, kind = time.monotonic(), _kind(summary)
    with transaction(connection, sequential_scans=True) as run:
        old = run.lock(summary)
        new, added = kind.remake_day(run, old, day)
        run.record(new)
    return _result("day", new, new.through - old.through, added, began)


def lag(connection: Connection) -> dict[str, int]:
    """Committed batches that each summary has not recorded yet. Ends the transaction that the connection is in."""
    with connection, connection.cursor() as cursor:
        cursor.execute(statement("summaries.lag"))
        behind: dict[str, int] = dict(cursor.fetchall())
    return {name: behind[name] for name in NAMES}


def _kind(summary: str) -> Summary:
    if summary not in SUMMARIES:
        raise ValueError(f"there is no summary called {summary}")
    return SUMMARIES[summary]


def _refresh_needed(connection: Connection, kind: Summary, row_limit: int) -> None:
    for name in kind.needs:
        refresh(connection, name, row_limit=row_limit)


def _result(
    mode: Literal["incremental", "rebuild", "day"],
    new: Record,
    batches: int,
    added: Added,
    began: float,
    events_gone: int = 0,
) -> Refresh:
    return Refresh(
        summary=new.summary,
        mode=mode,
        batches=batches,
        through_batch=new.through,
        events=added.events,
        events_gone=events_gone,
        groups=added.groups,
        row_count=new.row_count,
        seconds=time.monotonic() - began,
    )
