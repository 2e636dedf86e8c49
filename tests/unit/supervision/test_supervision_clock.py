"""The supervisor under a clock that jumps. Guards against a healthy stream that is ended, or started a second time,
because an age came out as negative or huge."""

from __future__ import annotations

from dataclasses import replace

import pytest
from stream_facts import changed, stream_facts

from clickstream_assets.supervision.decision import decide
from clickstream_assets.supervision.model import Action, StreamRun, StreamState

RUN = StreamRun("1234567890", "started", 5000.0)
HEALTHY = stream_facts(
    lock_held=True,
    mode="continuous",
    holder_run_id=RUN.run_id,
    runs=(RUN,),
    held_seconds=5000.0,
    heartbeat_age=0.5,
    progress_age=0.5,
    commit_age=60.0,
)


@pytest.mark.parametrize("hours", [0.01, 1, 24, 24 * 365])
def test_set_back_the_clock_ends_nothing_and_the_stream_is_still_said_to_run(hours: float) -> None:
    """What was written before the jump lies ahead; the heartbeat and the progress are written again within a second."""
    back = hours * 3600
    facts = changed(HEALTHY, held_seconds=5000.0 - back, commit_age=60.0 - back)
    decision = decide(facts)
    assert decision.action is Action.LEAVE
    assert decision.state in (StreamState.RUNNING, StreamState.IDLE)
    assert "-" not in decision.reason


@pytest.mark.parametrize("hours", [1, 24 * 365])
def test_set_back_within_the_second_before_the_next_heartbeat_nothing_is_ended_either(hours: float) -> None:
    back = hours * 3600
    facts = changed(
        HEALTHY,
        held_seconds=5000.0 - back,
        commit_age=60.0 - back,
        heartbeat_age=0.5 - back,
        progress_age=0.5 - back,
        oldest_waiting_age=3.0 - back,
        files_waiting=3,
    )
    assert decide(facts).action is Action.LEAVE


def test_set_back_the_clock_does_not_start_a_second_stream() -> None:
    facts = changed(HEALTHY, held_seconds=-3600.0, runs=(replace(RUN, seconds_in_phase=-3600.0),))
    assert decide(facts).action is Action.LEAVE


@pytest.mark.parametrize("days", [1, 365])
def test_set_forward_the_clock_ends_nothing_once_the_next_heartbeat_is_written(days: float) -> None:
    ahead = days * 86400
    facts = changed(
        HEALTHY,
        held_seconds=5000.0 + ahead,
        commit_age=60.0 + ahead,
        runs=(replace(RUN, seconds_in_phase=5000.0 + ahead),),
    )
    assert decide(facts).action is Action.LEAVE


def test_a_pause_that_lies_far_ahead_is_not_waited_for() -> None:
    facts = stream_facts(failures=3, seconds_until_attempt=86400.0, has_run=True)
    assert decide(facts).action is Action.LAUNCH
