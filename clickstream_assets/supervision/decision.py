"""Supervision of the stream: from the facts to a named state and one action. Pure: no clock, no I/O.

`decide` asks the rules below in their order, and the first that applies decides.

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

from collections.abc import Callable
from dataclasses import replace

from clickstream_assets.supervision import limits
from clickstream_assets.supervision.model import Action, StreamDecision, StreamFacts, StreamRun, StreamState
from clickstream_assets.supervision.state import absent_state, living_state, unsupervised, was_just_launched

Rule = Callable[[StreamFacts], StreamDecision | None]


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
    state, reason = living_state(facts) if facts.holder.lock_held else (_state(facts), _why_not_here(facts))
    if facts.waits is None:
        reason = f"{reason}; {facts.read_only.rstrip('.')}"
    return StreamDecision(state, Action.LEAVE, reason)


def a_run_has_lost_its_worker(facts: StreamFacts) -> StreamDecision | None:
    for run in facts.runs.in_flight:
        if run.worker_is_gone and not (facts.holder.lock_held and run is facts.holder_run):
            reason = f"run {run.run_id[:8]} is marked as {run.phase}, but its worker is gone"
            return StreamDecision(_state(facts), Action.REAP_RUN, reason, run.run_id)
    return None


def _state(facts: StreamFacts) -> StreamState:
    return living_state(facts)[0] if facts.holder.lock_held else absent_state(facts)


# The lock is held: somebody streams.


def the_row_is_still_the_predecessors(facts: StreamFacts) -> StreamDecision | None:
    if facts.holder.row_is_current:
        return None
    return StreamDecision(StreamState.STARTING, Action.LEAVE, "a stream is taking the lease")


def nobody_asked_dagster(facts: StreamFacts) -> StreamDecision | None:
    return None if facts.runs.known else _leave(facts, "")


def another_mode_has_the_stream(facts: StreamFacts) -> StreamDecision | None:
    mode = facts.holder.mode
    return None if mode == "continuous" else _leave(facts, f"a {mode} run has the stream: ")


def dagster_does_not_know_its_run(facts: StreamFacts) -> StreamDecision | None:
    holder = facts.holder
    if holder.run_id is None or holder.run_is_known or facts.holder_run is not None:
        return None
    state, reason = living_state(facts)
    unknown = f"Dagster does not know its run {holder.run_id[:8]}, which was deleted or is another Dagster's"
    if facts.wanted == "stopped":
        action = Action.END_DRIVER if (facts.wanted_age or 0) < limits.KILL_AFTER else Action.KILL_DRIVER
        return StreamDecision(state, action, f"the stream is to be stopped; {unknown}")
    if state is StreamState.STUCK:
        return StreamDecision(state, Action.KILL_DRIVER, f"{reason}; {unknown}")
    return _leave(facts, f"{unknown}: ")


def it_was_started_outside_dagster(facts: StreamFacts) -> StreamDecision | None:
    holder = facts.holder
    if facts.holder_run is not None or (holder.run_id is not None and holder.run_ended is not None):
        return None
    return _leave(facts, "started outside Dagster: ")


def the_driver_has_outlived_its_run(facts: StreamFacts) -> StreamDecision | None:
    ended = facts.holder.run_ended
    if facts.holder_run is not None or ended is None:
        return None
    orphan = f"its run {str(facts.holder.run_id)[:8]} has ended, its driver has not"
    action = Action.LEAVE if ended < limits.ORPHAN_LIMIT else Action.KILL_DRIVER
    return StreamDecision(_state(facts), action, orphan)


def the_driver_was_asked_to_end(facts: StreamFacts) -> StreamDecision | None:
    run = facts.holder_run
    if run is None or run.phase != "canceling":
        return None
    asked = f"run {run.run_id[:8]} was asked to end {run.seconds_in_phase:.0f} s ago"
    action = Action.LEAVE if run.seconds_in_phase < limits.KILL_AFTER else Action.KILL_DRIVER
    return StreamDecision(_state(facts), action, asked, run.run_id)


def the_stream_is_to_end(facts: StreamFacts) -> StreamDecision | None:
    run, (state, reason) = facts.holder_run, living_state(facts)
    if run is None or not (facts.wanted == "stopped" or state is StreamState.STUCK):
        return None
    # A run whose worker is gone can't be asked.
    action = Action.KILL_DRIVER if run.worker_is_gone else Action.END_RUN
    why = "the stream is to be stopped" if facts.wanted == "stopped" else reason
    return StreamDecision(state, action, why, run.run_id)


def the_stream_is_well(facts: StreamFacts) -> StreamDecision | None:
    run, (state, reason) = facts.holder_run, living_state(facts)
    healthy = state is not StreamState.STARTING and facts.holder.held_seconds >= limits.HEALTHY_AFTER
    return StreamDecision(state, Action.LEAVE, reason, run.run_id if run else None, is_healthy=healthy)


def _leave(facts: StreamFacts, prefix: str) -> StreamDecision:
    state, reason = living_state(facts)
    return StreamDecision(state, Action.LEAVE, f"{prefix}{reason}")


# The lock is free. A run in flight is about to take it, or its driver has died.


def the_run_is_ending_without_its_driver(facts: StreamFacts) -> StreamDecision | None:
    run = _first_run(facts)
    if run is None or run.phase != "canceling":
        return None
    action = Action.REAP_RUN if run.seconds_in_phase > limits.KILL_AFTER else Action.LEAVE
    reason = f"run {run.run_id[:8]} is ending; its driver is gone"
    return StreamDecision(absent_state(facts), action, reason, run.run_id)


def the_coming_stream_is_not_wanted(facts: StreamFacts) -> StreamDecision | None:
    run = _first_run(facts)
    if run is None or facts.wanted != "stopped":
        return None
    return StreamDecision(absent_state(facts), Action.END_RUN, "the stream is to be stopped", run.run_id)


def a_stream_waits_for_the_lock(facts: StreamFacts) -> StreamDecision | None:
    """Before or after it has had the lock. The first of its run's limits would end it."""
    waits = facts.waits
    if waits is None:
        return None
    run = next((run for run in facts.runs.in_flight if run.run_id == waits.dagster_run_id), None)
    return StreamDecision(
        absent_state(facts), Action.LEAVE, _why_not_here(facts), run.run_id if run else None
    )


def the_run_has_lost_its_driver(facts: StreamFacts) -> StreamDecision | None:
    run, heartbeat_age = _first_run(facts), facts.holder.heartbeat_age
    if run is None or run.run_id != facts.holder.run_id:
        return None
    outlived = heartbeat_age if heartbeat_age is not None else run.seconds_in_phase
    action = Action.END_RUN if outlived > limits.END_LIMIT else Action.LEAVE
    reason = f"run {run.run_id[:8]} has lost its driver {outlived:.0f} s ago"
    return StreamDecision(absent_state(facts), action, reason, run.run_id)


def the_run_does_not_take_the_lock(facts: StreamFacts) -> StreamDecision | None:
    run, limit = _first_run(facts), limits.start_limit(facts.starts.failures)
    if run is None or run.phase != "started" or run.seconds_in_phase <= limit:
        return None
    reason = f"run {run.run_id[:8]} has not taken the lock within {limit:.0f} s"
    return StreamDecision(absent_state(facts), Action.END_RUN, reason, run.run_id)


def a_run_is_on_its_way(facts: StreamFacts) -> StreamDecision | None:
    run = _first_run(facts)
    if run is None:
        return None
    reason = f"run {run.run_id[:8]} is {run.phase}"
    return StreamDecision(absent_state(facts), Action.LEAVE, reason, run.run_id)


def a_start_is_known_from_the_ledger(facts: StreamFacts) -> StreamDecision | None:
    if absent_state(facts) is not StreamState.STARTING:
        return None
    launched = f"a run was launched {facts.starts.launched_age or 0:.0f} s ago"
    why = launched if was_just_launched(facts) else "the supervisor is about to start it"
    return StreamDecision(StreamState.STARTING, Action.LEAVE, why)


def it_was_stopped_on_purpose(facts: StreamFacts) -> StreamDecision | None:
    if facts.wanted != "stopped":
        return None
    reason = "stopped on purpose; the job start_stream starts it again"
    return StreamDecision(absent_state(facts), Action.LEAVE, reason)


def the_next_start_has_to_wait(facts: StreamFacts) -> StreamDecision | None:
    starts = facts.starts
    # A pause beyond the longest one comes from a clock that was set back.
    if not 0 < starts.seconds_until_attempt <= limits.LONGEST_PAUSE:
        return None
    pause = f"next start in {starts.seconds_until_attempt:.0f} s, after {starts.failures} that failed"
    return StreamDecision(absent_state(facts), Action.LEAVE, f"{pause}; {_why_absent(facts)}")


def a_stream_is_missing(facts: StreamFacts) -> StreamDecision | None:
    return StreamDecision(absent_state(facts), Action.LAUNCH, _why_absent(facts))


def _first_run(facts: StreamFacts) -> StreamRun | None:
    return facts.runs.in_flight[0] if facts.runs.in_flight else None


def _why_not_here(facts: StreamFacts) -> str:
    if facts.waits is not None:
        return f"{facts.waits.who} {facts.waits.sentence}"
    return "stopped on purpose" if facts.wanted == "stopped" else _why_absent(facts)


def _why_absent(facts: StreamFacts) -> str:
    if not facts.starts.has_run:
        return "no stream has run yet"
    return f"the last one ended: {facts.starts.last_reason or 'it left no word, its process was killed'}"


LOCK_IS_HELD: tuple[Rule, ...] = (
    the_row_is_still_the_predecessors,
    nobody_asked_dagster,
    another_mode_has_the_stream,
    dagster_does_not_know_its_run,
    it_was_started_outside_dagster,
    the_driver_has_outlived_its_run,
    the_driver_was_asked_to_end,
    the_stream_is_to_end,
    the_stream_is_well,
)
LOCK_IS_FREE: tuple[Rule, ...] = (
    the_run_is_ending_without_its_driver,
    the_coming_stream_is_not_wanted,
    a_stream_waits_for_the_lock,
    the_run_has_lost_its_driver,
    the_run_does_not_take_the_lock,
    a_run_is_on_its_way,
    a_start_is_known_from_the_ledger,
    it_was_stopped_on_purpose,
    the_next_start_has_to_wait,
    a_stream_is_missing,
)
