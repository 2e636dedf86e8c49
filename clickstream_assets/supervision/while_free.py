"""The rules for a stream whose lock is free: a run is about to take it, its driver has died, or there is none. Pure.

They are asked in the order of `LOCK_IS_FREE`, and the first that applies decides.
"""

from __future__ import annotations

from clickstream_assets.supervision import limits
from clickstream_assets.supervision.model import (
    Action,
    Rule,
    StreamDecision,
    StreamFacts,
    StreamRun,
    StreamState,
)
from clickstream_assets.supervision.state import absent_state, was_just_launched, why_absent, why_not_here


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
    return StreamDecision(absent_state(facts), Action.LEAVE, why_not_here(facts), run.run_id if run else None)


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
    return StreamDecision(absent_state(facts), Action.LEAVE, f"{pause}; {why_absent(facts)}")


def a_stream_is_missing(facts: StreamFacts) -> StreamDecision | None:
    return StreamDecision(absent_state(facts), Action.LAUNCH, why_absent(facts))


def _first_run(facts: StreamFacts) -> StreamRun | None:
    return facts.runs.in_flight[0] if facts.runs.in_flight else None


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
