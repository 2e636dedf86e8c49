"""Supervision of the stream: from the facts to a named state and one action. Pure: no clock, no I/O.

`decide` asks the two rules below, then those of `while_held` or `while_free`; the first that applies decides.

Safety properties, each with a test:
1. A stream is launched only where no session holds the stream's lock and no run of its job is in flight.
2. The lock is the proof of life. A run's status is not: a worker that was killed leaves a run "started".
3. A stream that was stopped on purpose stays stopped; a catch-up run, and a stream that someone started
   outside Dagster, are left alone. One whose run was deleted goes on, and is ended where that is wanted.
4. A stream that waits for its database or its directory is neither ended nor joined by another one, however long it
   takes; only a process that lives and says so waits.
5. A start that fails is repeated after a growing pause. Failures are counted when a stream is launched and
   forgotten when it has lived for a while, so no way of dying escapes the count.
"""

from __future__ import annotations

from dataclasses import replace

from clickstream_assets.supervision.model import Action, StreamDecision, StreamFacts
from clickstream_assets.supervision.state import living_state, state_of, unsupervised, why_not_here
from clickstream_assets.supervision.while_free import LOCK_IS_FREE
from clickstream_assets.supervision.while_held import LOCK_IS_HELD


def decide(facts: StreamFacts) -> StreamDecision:
    """The state of the stream and the one thing to do about it."""
    first = (the_database_is_read_only, a_run_has_lost_its_worker)
    rules = (*first, *(LOCK_IS_HELD if facts.holder.lock_held else LOCK_IS_FREE))
    decision = next(decision for rule in rules if (decision := rule(facts)) is not None)
    return replace(decision, unsupervised=unsupervised(facts))


def the_database_is_read_only(facts: StreamFacts) -> StreamDecision | None:
    """What is done is noted first, so nothing is done; and a stream that is started could not work."""
    if facts.read_only is None:
        return None
    state, reason = living_state(facts) if facts.holder.lock_held else (state_of(facts), why_not_here(facts))
    if facts.waits is None:
        reason = f"{reason}; {facts.read_only.rstrip('.')}"
    return StreamDecision(state, Action.LEAVE, reason)


def a_run_has_lost_its_worker(facts: StreamFacts) -> StreamDecision | None:
    for run in facts.runs.in_flight:
        if run.worker_is_gone and not (facts.holder.lock_held and run is facts.holder_run):
            reason = f"run {run.run_id[:8]} is marked as {run.phase}, but its worker is gone"
            return StreamDecision(state_of(facts), Action.REAP_RUN, reason, run.run_id)
    return None
