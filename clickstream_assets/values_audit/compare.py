"""The comparison of one row: what the file says, and what is stored of it. Pure.

Two reasons depend on the time of loading: `too_old`, of which the limit of that day is not known, and
`event_time_out_of_range` of times about a day ahead. They are believed where the event's time allows them.
`refused_by_database` is believed of any good row.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from clickstream_assets.contract import FIELDS
from clickstream_assets.second_reader.outcomes import Event, Record, Reject, rejected
from clickstream_assets.second_reader.times import EARLIEST
from clickstream_assets.values_audit.stored import COMPARED, Duplicate, StoredEvent, StoredReject

DAY = 86_400_000_000  # microseconds
# Between the moment that a batch is planned with and that of its commit, and between two machines' clocks.
SLACK = 3_600_000_000
LATER_REASONS = ("negative_price", "invalid_price", "user_agent_too_long")  # judged after the time

Belief = Literal["sure", "believed", "wrong"]


class Difference(NamedTuple):
    """`field` is a column, or `row` where the whole of it is meant."""

    field: str
    stored: str | None
    in_file: str | None


def event_differs(event: Event, stored: StoredEvent) -> Iterator[Difference]:
    """What is stored of an event that should be the one of its line."""
    values = event[1:-1]
    if values != stored.values:
        for field, ours, theirs in zip(FIELDS, values, stored.values, strict=True):
            if ours != theirs:
                yield Difference(field, _text(theirs), _text(ours))
    if not _same_extra(event.extra, stored.extra):
        yield Difference("extra", stored.extra, None if event.extra is None else json.dumps(event.extra))
    if stored.ingested_at + DAY + SLACK < event.event_time:
        yield Difference("row", "an event", "a time more than a day after it was stored")


def reject_differs(
    outcome: Event | Reject, record: Record, stored: StoredReject, floor: int | None
) -> Iterator[Difference]:
    """What is stored of a rejected row. `floor`: from there on retention has kept events."""
    expected = "an event" if isinstance(outcome, Event) else outcome.reason
    if stored.reason != expected and belief(outcome, stored, floor) == "wrong":
        yield Difference("reason" if isinstance(outcome, Reject) else "row", stored.reason, expected)
    ours = rejected(record, stored.reason)
    if ours.raw != stored.raw:
        yield Difference("raw", repr(stored.raw), repr(ours.raw))
    if ours.byte_offset != stored.byte_offset:
        yield Difference("byte_offset", str(stored.byte_offset), str(ours.byte_offset))
    if ours.byte_length != stored.byte_length:
        yield Difference("byte_length", str(stored.byte_length), str(ours.byte_length))


def duplicate_differs(event: Event, found: Duplicate) -> Difference | None:
    """Whether a row that is not stored is rightly so: the same event is, and a conflict is noted where it differs."""
    if not found.is_stored:
        return Difference("row", None, "an event, and no other row has its id and time")
    price = None if event.price is None else Decimal(event.price)
    fields = event._replace(price=price)._asdict()  # type: ignore[arg-type]
    ours = tuple(fields[name] for name in COMPARED)
    is_same = ours == found.values and _same_extra(event.extra, found.extra)
    if is_same != found.is_conflict:
        return None
    noted = "noted as a conflict" if found.is_conflict else "not noted as a conflict"
    values = "the values" if is_same else "other values than those"
    return Difference("conflict", f"a duplicate, {noted}", f"{values} of the event with its id")


def belief(outcome: Event | Reject, stored: StoredReject, floor: int | None) -> Belief:
    """Whether a stored reason, which is not the reader's, can be right: one that the moment of loading decided."""
    if stored.reason == "refused_by_database":
        return "believed" if isinstance(outcome, Event) else "wrong"
    if isinstance(outcome, Reject) and outcome.reason not in LATER_REASONS:
        return "wrong"
    moment = outcome.event_time
    if moment is None:
        return "wrong"
    if stored.reason == "event_time_out_of_range":
        latest = stored.rejected_at + DAY
        return "sure" if moment > latest + SLACK else "believed" if moment > latest - SLACK else "wrong"
    if stored.reason == "too_old":
        return "believed" if EARLIEST <= moment < max(stored.rejected_at - DAY, floor or 0) else "wrong"
    return "wrong"


def _same_extra(ours: dict[str, str] | None, stored: str | None) -> bool:
    if ours is None or stored is None:
        return ours is None and stored is None
    return bool(json.loads(stored) == ours)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
