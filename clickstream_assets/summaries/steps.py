"""What a refresh or a rebuild of a summary does inside its transaction, once its record is locked.

It says which statements of `sql/summaries/` run, and in what order. `refresh` says why the result is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from clickstream_assets.errors import ClickstreamError
from clickstream_assets.summaries import user_agents
from clickstream_assets.summaries.catalogue import FOLLOWERS, SUMMARIES
from clickstream_assets.summaries.transaction import Added, Record, Transaction

END = "infinity"  # of time, as PostgreSQL writes it


class SummaryError(ClickstreamError):
    """A summary cannot be brought up to date. The message is one sentence: what, and what to do."""


def newest_batch(run: Transaction, old: Record) -> int:
    """The last batch that the summary can take in now.

    Raises:
        SummaryError: the ledger ends before the summary's record does.
    """
    newest: int = run.value("summaries.newest_batch")
    if newest < old.through:
        raise SummaryError(
            f"{old.summary} has recorded batch {old.through}, but the ledger ends at batch {newest}: rebuild "
            f"{old.summary} if the ledger was reset on purpose."
        )
    return run.value("summaries.through", summary="user_agents") if old.summary == "sessions" else newest


def add_batches(run: Transaction, old: Record, upto: int, row_limit: int) -> tuple[Record, Added, int]:
    """Add the next batches; also return how many of their events are not stored any more.

    New rows are looked for by their `id` first: batches are inserted one after the other, so theirs lie between
    those of the batches before and after, and the primary key finds them at a cost that grows neither with the
    history nor with what waits behind them. Where that is not all that the ledger counts, they are looked for by
    their batch alone.
    """
    target, expected = run.rows(
        "summaries.next_batches", through=old.through, ceiling=upto, row_limit=row_limit
    )[0]
    if target <= old.through:
        return old, Added(), 0
    run.remember()
    after_id, before_id = old.last_event_id, None
    if target < upto:
        before_id = run.value("summaries.first_later_event", after_id=after_id, target=target)
    added = _add(run, old.summary, old.through, target, after_id=after_id, before_id=before_id)
    if added.events != expected and (after_id or before_id):
        run.undo()
        added = _add(run, old.summary, old.through, target)
    if old.summary == "sessions":
        run.execute("sessions.trim_changes", followers=list(FOLLOWERS))
    new = replace(
        old,
        through=target,
        last_event_id=max(old.last_event_id, added.last_event_id),
        row_count=old.row_count + added.rows_added,
    )
    return new, added, expected - added.events


def follow_sessions(run: Transaction, old: Record) -> tuple[Record, Added]:
    """Take the changes of sessions in, or all of it where it was recomputed."""
    ((through, generation),) = run.rows("summaries.lock_source")
    if generation != old.source_generation or through < old.through:
        return recompute_from_sessions(run, old)
    if through == old.through:
        return old, Added()
    added = run.add(SUMMARIES[old.summary].add, through=old.through, target=through)
    return replace(old, through=through, row_count=old.row_count + added.rows_added), added


def recompute_from_sessions(run: Transaction, old: Record) -> tuple[Record, Added]:
    """Clear a follower from the floor on and make it again."""
    ((through, generation),) = run.rows("summaries.lock_source")
    added = _remake(run, old.summary, _floor(run, old.summary), END)
    return _counted(run, replace(old, through=through, source_generation=generation)), added


def recompute_from_events(run: Transaction, old: Record, row_limit: int) -> tuple[Record, Added]:
    """Clear a summary from the floor on and add all batches again."""
    summary = old.summary
    floor = _floor(run, summary)
    target = (
        run.value("summaries.through", summary="user_agents")
        if summary == "sessions"
        else run.value("summaries.newest_batch")
    )
    if summary == "user_agents":
        known = [string for (string,) in run.rows("user_agents.known")]
        run.execute("user_agents.update", **_parsed(known))
    elif summary == "sessions":
        if old.through:
            _add(run, summary, old.through, target)  # for the sessions that stay
        run.execute("sessions.clear", start=floor, session_ids=None)
    else:
        run.execute(SUMMARIES[summary].clear, start=floor, stop=END)
    position, added = 0, Added()
    while position < target:
        following, _ = run.rows(
            "summaries.next_batches", through=position, ceiling=target, row_limit=row_limit
        )[0]
        added += _add(run, summary, position, following, start=floor)
        position = following
    if summary == "sessions":
        run.execute("sessions.clear_changes")
    return _counted(run, replace(old, through=target, last_event_id=added.last_event_id)), added


def recompute_day(run: Transaction, old: Record, day: date) -> tuple[Record, Added]:
    """Make one day again, as of the batches that the summary has recorded.

    Raises:
        SummaryError: no partition holds its events (any more).
    """
    summary = old.summary
    start, stop = f"{day} 00:00:00+00", f"{day + timedelta(days=1)} 00:00:00+00"
    floor = _floor(run, summary)
    if not run.value("summaries.starts_at_or_after", start=start, floor=floor):
        raise SummaryError(
            f"no events of {day} are stored (any more): {summary} keeps the rows that it has of that day."
        )
    if summary == "sessions":
        found = run.rows("sessions.of_day", start=start, stop=stop, target=old.through)
        session_ids = [session_id for (session_id,) in found]
        run.execute("sessions.clear", start=floor, session_ids=session_ids)
        added = _add(run, summary, 0, old.through, start=floor, session_ids=session_ids)
        run.execute("sessions.clear_changes")
    elif summary in FOLLOWERS:
        added = _remake(run, summary, start, stop)
    else:
        run.execute(SUMMARIES[summary].clear, start=start, stop=stop)
        added = _add(run, summary, 0, old.through, start=start, stop=stop)
    return _counted(run, old), added


def _add(
    run: Transaction,
    summary: str,
    through: int,
    target: int,
    *,
    after_id: int = 0,
    before_id: int | None = None,
    start: str | None = None,
    stop: str | None = None,
    session_ids: Sequence[str] | None = None,
) -> Added:
    """Add the events of the batches after `through` up to `target`, those from `start` to `stop` where given.

    Of sessions, only those are touched that started at `start` or later, and that are among `session_ids`.
    """
    batches = {"through": through, "target": target, "after_id": after_id, "before_id": before_id}
    if summary == "user_agents":
        events, last_event_id, strings = run.rows("user_agents.new", **batches)[0]
        if strings:
            run.execute("user_agents.insert", **_parsed(strings))
        return Added(events, len(strings), len(strings), last_event_id)
    if summary == "sessions":
        return run.add("sessions.add", **batches, kept_before=start, session_ids=session_ids)
    return run.add(SUMMARIES[summary].add, **batches, start=start, stop=stop)


def _remake(run: Transaction, follower: str, start: str, stop: str) -> Added:
    run.execute(SUMMARIES[follower].clear, start=start, stop=stop)
    return run.add(SUMMARIES[follower].rebuild, start=start, stop=stop)


def _parsed(strings: Sequence[str]) -> dict[str, object]:
    parsed = [user_agents.parse(string) for string in strings]
    return {
        "user_agents": list(strings),
        "devices": [found.device for found in parsed],
        "models": [found.model for found in parsed],
        "systems": [found.system for found in parsed],
        "browsers": [found.browser for found in parsed],
    }


def _floor(run: Transaction, summary: str) -> str:
    """From when on everything is stored that the rows were made from."""
    events: str = run.value("summaries.floor_of_events")
    return (
        run.value("summaries.floor_of_sessions", floor_of_events=events) if summary in FOLLOWERS else events
    )


def _counted(run: Transaction, record: Record) -> Record:
    return replace(record, row_count=run.value(SUMMARIES[record.summary].count))
