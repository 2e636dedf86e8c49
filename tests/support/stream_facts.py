"""Facts of the stream for the tests of supervision, by flat names. What a test does not say is as on a new system."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from clickstream_assets.supervision.model import StreamFacts

_PLACES = {
    "lock_held": ("holder", "lock_held"),
    "row_is_of_holder": ("holder", "row_is_current"),
    "mode": ("holder", "mode"),
    "holder_run_id": ("holder", "run_id"),
    "holder_run_ended": ("holder", "run_ended"),
    "holder_run_is_known": ("holder", "run_is_known"),
    "held_seconds": ("holder", "held_seconds"),
    "heartbeat_age": ("holder", "heartbeat_age"),
    "progress_age": ("holder", "progress_age"),
    "runs": ("runs", "in_flight"),
    "knows_runs": ("runs", "known"),
    "files_waiting": ("backlog", "files"),
    "oldest_waiting_age": ("backlog", "oldest_age"),
    "commit_age": ("backlog", "commit_age"),
    "failures": ("starts", "failures"),
    "seconds_until_attempt": ("starts", "seconds_until_attempt"),
    "launched_age": ("starts", "launched_age"),
    "is_awaited": ("starts", "is_awaited"),
    "has_run": ("starts", "has_run"),
    "last_reason": ("starts", "last_reason"),
}


def stream_facts(**values: Any) -> StreamFacts:
    return changed(StreamFacts(), **values)


def changed(facts: StreamFacts, **values: Any) -> StreamFacts:
    """The same facts but for these."""
    for name, value in values.items():
        if name in _PLACES:
            group, field = _PLACES[name]
            facts = replace(facts, **{group: replace(getattr(facts, group), **{field: value})})
        else:
            facts = replace(facts, **{name: value})
    return facts
