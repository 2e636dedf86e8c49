"""The rules for a stream whose lock is held: somebody streams. Pure.

They are asked in the order of `LOCK_IS_HELD`, and the first that applies decides.
"""

from __future__ import annotations

from clickstream_assets.supervision import limits
from clickstream_assets.supervision.model import Action, Rule, StreamDecision, StreamFacts, StreamState
from clickstream_assets.supervision.state import living_state, state_of


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
    return StreamDecision(state_of(facts), action, orphan)


def the_driver_was_asked_to_end(facts: StreamFacts) -> StreamDecision | None:
    run = facts.holder_run
    if run is None or run.phase != "canceling":
        return None
    asked = f"run {run.run_id[:8]} was asked to end {run.seconds_in_phase:.0f} s ago"
    action = Action.LEAVE if run.seconds_in_phase < limits.KILL_AFTER else Action.KILL_DRIVER
    return StreamDecision(state_of(facts), action, asked, run.run_id)


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
