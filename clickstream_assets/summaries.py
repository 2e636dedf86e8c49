"""The refresh engine of the summaries: incremental, rebuilt whole, or one day of it.

Belongs here: which statements of `sql/summaries/` make up a refresh, and in what order. Does not belong here:
the statements, the transaction and its record (`summary_transactions`), Dagster (`assets.summaries`).

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
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

from psycopg2.extensions import connection as Connection

from clickstream_assets import user_agents
from clickstream_assets.summary_transactions import (
    BEGINNING,
    END,
    Added,
    Record,
    Transaction,
    statement,
    transaction,
)

# In an order in which each finds what it needs.
NAMES = (
    "user_agents",
    "sessions",
    "product_performance",
    "hourly_traffic",
    "conversion_funnel",
    "device_usage",
)
FOLLOWERS = ("conversion_funnel", "device_usage")
ROWS_PER_TRANSACTION = 2_000_000  # events; keeps sorts and locks of a long backlog bounded

Mode = Literal["incremental", "rebuild", "day"]


class SummaryError(RuntimeError):
    """A summary cannot be brought up to date. The message is one sentence: what, and what to do."""


@dataclass(frozen=True)
class Refresh:
    """What one refresh did."""

    summary: str
    mode: Mode
    batches: int  # taken in
    through_batch: int  # last batch in the table now
    events: int  # read; 0 where the summary follows sessions
    groups: int  # rows of the summary that were written
    row_count: int  # of the table now
    seconds: float


def refresh(connection: Connection, summary: str, *, row_limit: int = ROWS_PER_TRANSACTION) -> Refresh:
    """Take the batches in that the summary has not recorded yet, `row_limit` events a transaction.

    Raises:
        SummaryError: the ledger ends before the summary's record does.
        psycopg2.Error: the transaction failed; the table and its record are as before it.
    """
    began = time.monotonic()
    if summary == "sessions":
        refresh(connection, "user_agents", row_limit=row_limit)
    batches, events, groups = 0, 0, 0
    while True:
        with transaction(connection) as run:
            old = run.lock(summary)
            if summary in FOLLOWERS:
                new, added = _follow_sessions(run, old)
                ceiling = new.through
            else:
                ceiling = _ceiling(run, old)
                new, added = _add_batches(run, old, ceiling, row_limit)
            if new != old:
                run.record(new)
        batches, events, groups = (
            batches + new.through - old.through,
            events + added.events,
            groups + added.groups,
        )
        if new.through == old.through or new.through >= ceiling:
            break
    seconds = time.monotonic() - began
    return Refresh(summary, "incremental", batches, new.through, events, groups, new.row_count, seconds)


def rebuild(connection: Connection, summary: str, *, row_limit: int = ROWS_PER_TRANSACTION) -> Refresh:
    """Recompute the summary from the oldest partition of `events` on, in one transaction."""
    began = time.monotonic()
    if summary == "sessions":
        refresh(connection, "user_agents", row_limit=row_limit)
    with transaction(connection, sequential_scans=True) as run:
        old = run.lock(summary)
        if summary in FOLLOWERS:
            new, added = _recompute_from_sessions(run, old)
        else:
            new, added = _recompute_from_events(run, old, row_limit)
        run.record(new)
        run.execute("record_rebuild", summary=summary)
    seconds = time.monotonic() - began
    batches = max(0, new.through - old.through)
    return Refresh(
        summary, "rebuild", batches, new.through, added.events, added.groups, new.row_count, seconds
    )


def rebuild_day(connection: Connection, summary: str, day: date) -> Refresh:
    """Recompute one day (UTC) of the summary: of `sessions`, those with an event on it or recorded as begun on it.

    Raises:
        SummaryError: the day's events are not stored any more, or the summary has no days.
    """
    began = time.monotonic()
    if summary == "user_agents":
        raise SummaryError("user_agents has no days: refresh or rebuild it whole.")
    start, stop = f"{day} 00:00:00+00", f"{day + timedelta(days=1)} 00:00:00+00"
    with transaction(connection, sequential_scans=True) as run:
        old = run.lock(summary)
        followed = Added()
        new = old
        if summary in FOLLOWERS:
            new, followed = _follow_sessions(run, old)
        if not run.value("starts_at_or_after", start=start, floor=_floor(run, summary)):
            raise SummaryError(
                f"the events of {day} are not stored any more: {summary} keeps the rows that it has of that day."
            )
        if summary == "sessions":
            added = _recompute_sessions_of(run, new, start, stop)
            run.execute("record_rebuild", summary=summary)
        else:
            run.execute(f"{summary}_clear", start=start, stop=stop)
            if summary in FOLLOWERS:
                added = run.add(f"{summary}_rebuild", start=start, stop=stop)
            else:
                added = run.add(summary, through=0, target=new.through, start=start, stop=stop)
        new = replace(new, row_count=run.value(f"{summary}_count"))
        run.record(new)
    seconds = time.monotonic() - began
    batches, groups = new.through - old.through, followed.groups + added.groups
    return Refresh(summary, "day", batches, new.through, added.events, groups, new.row_count, seconds)


def lag(connection: Connection) -> dict[str, int]:
    """Committed batches that each summary has not recorded yet. Ends the connection's transaction, if it is in one."""
    with connection, connection.cursor() as cursor:
        cursor.execute(statement("lag"))
        behind: dict[str, int] = dict(cursor.fetchall())
    return {name: behind[name] for name in NAMES}


def _ceiling(run: Transaction, record: Record) -> int:
    """The last batch that the summary can take in now."""
    newest: int = run.value("newest_batch")
    if newest < record.through:
        raise SummaryError(
            f"{record.summary} has recorded batch {record.through}, but the ledger ends at batch {newest}: "
            f"rebuild {record.summary} if the ledger was reset on purpose."
        )
    return run.value("through", summary="user_agents") if record.summary == "sessions" else newest


def _floor(run: Transaction, summary: str) -> str:
    """From when on a rebuild finds everything that the rows were made from."""
    events: str = run.value("floor_of_events")
    return run.value("floor_of_sessions", floor_of_events=events) if summary in FOLLOWERS else events


def _add_batches(run: Transaction, old: Record, ceiling: int, row_limit: int) -> tuple[Record, Added]:
    target = run.value("next_batches", through=old.through, ceiling=ceiling, row_limit=row_limit)
    if target <= old.through:
        return old, Added()
    added = _add(run, old.summary, old.through, target)
    if old.summary == "sessions":
        run.execute("trim_session_changes")
    return replace(old, through=target, row_count=old.row_count + added.rows_added), added


def _add(
    run: Transaction,
    summary: str,
    through: int,
    target: int,
    start: str = BEGINNING,
    session_ids: Sequence[str] | None = None,
) -> Added:
    """Add the events of the batches after `through` up to `target` that happened at `start` or later."""
    if summary == "user_agents":
        return _add_user_agents(run, through, target)
    if summary == "sessions":
        return run.add("sessions", through=through, target=target, kept_before=start, session_ids=session_ids)
    return run.add(summary, through=through, target=target, start=start, stop=END)


def _add_user_agents(run: Transaction, through: int, target: int) -> Added:
    strings = [string for (string,) in run.rows("new_user_agents", through=through, target=target)]
    if strings:
        run.execute("insert_user_agents", **_parsed(strings))
    return Added(0, len(strings), len(strings))


def _parsed(strings: Sequence[str]) -> dict[str, object]:
    parsed = [user_agents.parse(string) for string in strings]
    return {
        "user_agents": list(strings),
        "devices": [found.device for found in parsed],
        "models": [found.model for found in parsed],
        "systems": [found.system for found in parsed],
        "browsers": [found.browser for found in parsed],
    }


def _follow_sessions(run: Transaction, old: Record) -> tuple[Record, Added]:
    ((through, generation),) = run.rows("lock_source")
    if generation != old.source_generation or through < old.through:
        return _recompute_from_sessions(run, old)
    if through == old.through:
        return old, Added()
    added = run.add(old.summary, through=old.through, target=through)
    return replace(old, through=through, row_count=old.row_count + added.rows_added), added


def _recompute_from_sessions(run: Transaction, old: Record) -> tuple[Record, Added]:
    ((through, generation),) = run.rows("lock_source")
    floor = _floor(run, old.summary)
    run.execute(f"{old.summary}_clear", start=floor, stop=END)
    added = run.add(f"{old.summary}_rebuild", start=floor, stop=END)
    new = replace(old, through=through, source_generation=generation)
    return replace(new, row_count=run.value(f"{old.summary}_count")), added


def _recompute_from_events(run: Transaction, old: Record, row_limit: int) -> tuple[Record, Added]:
    """Clear the table from the floor on and add all batches again, up to the newest."""
    summary = old.summary
    floor = _floor(run, summary)
    target = (
        run.value("through", summary="user_agents") if summary == "sessions" else run.value("newest_batch")
    )
    if summary == "user_agents":
        known = [string for (string,) in run.rows("known_user_agents")]
        run.execute("update_user_agents", **_parsed(known))
    elif summary == "sessions":
        if old.through:
            _add(run, summary, old.through, target)  # for the sessions that stay
        run.execute("sessions_clear", start=floor, session_ids=None)
    else:
        run.execute(f"{summary}_clear", start=floor, stop=END)
    position, total = 0, Added()
    while position < target:
        last = run.value("next_batches", through=position, ceiling=target, row_limit=row_limit)
        added = _add(run, summary, position, last, floor)
        position = last
        total = Added(total.events + added.events, total.groups + added.groups)
    if summary == "sessions":
        run.execute("clear_session_changes")
    return replace(old, through=target, row_count=run.value(f"{summary}_count")), total


def _recompute_sessions_of(run: Transaction, old: Record, start: str, stop: str) -> Added:
    floor = _floor(run, "sessions")
    found = run.rows("sessions_of_day", start=start, stop=stop, target=old.through)
    session_ids = [session_id for (session_id,) in found]
    run.execute("sessions_clear", start=floor, session_ids=session_ids)
    added = _add(run, "sessions", 0, old.through, floor, session_ids)
    run.execute("clear_session_changes")
    return added
