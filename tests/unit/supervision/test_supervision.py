"""Guards the order of the questions in `supervision.decide`: the lock first, the runs second, the clock last."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stream_facts import changed, stream_facts

from clickstream_assets.outages.stream_waits import StreamWaits
from clickstream_assets.supervision.decision import decide
from clickstream_assets.supervision.limits import (
    BEGIN_LIMIT,
    CRASH_LOOP_FAILURES,
    HEALTHY_AFTER,
    KILL_AFTER,
    LONGEST_PAUSE,
    ORPHAN_LIMIT,
    START_LIMIT,
    STUCK_AFTER,
    UNSUPERVISED_AFTER,
    pause_after,
)
from clickstream_assets.supervision.model import Action, StreamFacts, StreamRun, StreamState
from clickstream_assets.thresholds import BEHIND_AFTER

STARTED = StreamRun("run-1", "started", 100.0)
ALIVE = stream_facts(
    lock_held=True,
    mode="continuous",
    holder_run_id="run-1",
    held_seconds=90.0,
    heartbeat_age=0.5,
    progress_age=0.2,
    commit_age=0.2,
    runs=(STARTED,),
    has_run=True,
)
WAITS = StreamWaits("the database", "it is away", 0.0, 1.0, 7, "here", "run-1")
DEAD = changed(ALIVE, lock_held=False, runs=())
BACKLOG = {"files_waiting": 7, "oldest_waiting_age": STUCK_AFTER + 1}


def verdict(facts: StreamFacts) -> tuple[StreamState, Action]:
    decision = decide(facts)
    assert decision.reason
    assert (decision.run_id is not None) or decision.action not in (Action.END_RUN, Action.REAP_RUN)
    return decision.state, decision.action


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (ALIVE, (StreamState.RUNNING, Action.LEAVE)),
        (changed(ALIVE, commit_age=60.0), (StreamState.IDLE, Action.LEAVE)),
        (changed(ALIVE, commit_age=None), (StreamState.IDLE, Action.LEAVE)),
        (
            changed(ALIVE, commit_age=60.0, files_waiting=1, oldest_waiting_age=0.3),
            (StreamState.RUNNING, Action.LEAVE),
        ),
        (changed(ALIVE, **BACKLOG), (StreamState.BEHIND, Action.LEAVE)),
        (changed(ALIVE, held_seconds=4.0, progress_age=4.1), (StreamState.STARTING, Action.LEAVE)),
        (changed(ALIVE, held_seconds=4.0, progress_age=None), (StreamState.STARTING, Action.LEAVE)),
    ],
)
def test_a_living_stream_is_left_alone(facts: StreamFacts, expected: tuple[StreamState, Action]) -> None:
    assert verdict(facts) == expected


def test_no_progress_while_files_wait_is_stuck_and_ends_the_run() -> None:
    facts = changed(ALIVE, held_seconds=999.0, progress_age=STUCK_AFTER + 1, **BACKLOG)
    assert verdict(facts) == (StreamState.STUCK, Action.END_RUN)


def test_no_progress_with_nothing_to_do_is_idle() -> None:
    facts = changed(ALIVE, held_seconds=999.0, progress_age=STUCK_AFTER + 1, commit_age=500.0)
    assert verdict(facts) == (StreamState.IDLE, Action.LEAVE)


def test_a_stream_that_never_begins_is_stuck() -> None:
    facts = changed(ALIVE, held_seconds=BEGIN_LIMIT - 1, progress_age=BEGIN_LIMIT - 1, **BACKLOG)
    assert verdict(facts) == (StreamState.STARTING, Action.LEAVE)
    facts = changed(ALIVE, held_seconds=BEGIN_LIMIT + 1, progress_age=BEGIN_LIMIT + 1)
    assert verdict(facts) == (StreamState.STUCK, Action.END_RUN)


def test_a_lost_heartbeat_is_stuck_even_with_nothing_waiting() -> None:
    assert verdict(changed(ALIVE, heartbeat_age=61.0)) == (StreamState.STUCK, Action.END_RUN)


def test_a_stuck_stream_whose_worker_is_gone_is_killed_because_nobody_can_ask_it() -> None:
    facts = changed(ALIVE, heartbeat_age=61.0, runs=(replace(STARTED, worker_is_gone=True),))
    assert verdict(facts) == (StreamState.STUCK, Action.KILL_DRIVER)


def test_a_working_stream_whose_worker_is_gone_goes_on() -> None:
    facts = changed(ALIVE, runs=(replace(STARTED, worker_is_gone=True),))
    assert verdict(facts) == (StreamState.RUNNING, Action.LEAVE)


def test_a_driver_that_does_not_end_when_asked_is_killed() -> None:
    asked = replace(STARTED, phase="canceling", seconds_in_phase=KILL_AFTER - 1)
    assert verdict(changed(ALIVE, runs=(asked,)))[1] is Action.LEAVE
    asked = replace(asked, seconds_in_phase=KILL_AFTER + 1)
    assert verdict(changed(ALIVE, runs=(asked,)))[1] is Action.KILL_DRIVER


def test_an_orphaned_driver_gets_time_to_notice_then_is_killed() -> None:
    assert verdict(changed(ALIVE, runs=(), holder_run_ended=ORPHAN_LIMIT - 1))[1] is Action.LEAVE
    assert verdict(changed(ALIVE, runs=(), holder_run_ended=ORPHAN_LIMIT + 1))[1] is Action.KILL_DRIVER


def test_a_new_holder_is_not_judged_by_its_predecessors_row() -> None:
    facts = changed(ALIVE, runs=(), holder_run_ended=9999.0, heartbeat_age=9999.0, row_is_of_holder=False)
    assert verdict(facts) == (StreamState.STARTING, Action.LEAVE)


@pytest.mark.parametrize("mode", ["catch-up", "replay"])
@pytest.mark.parametrize("wanted", ["running", "stopped"])
def test_a_catch_up_run_is_left_alone_even_when_it_hangs(mode: str, wanted: str) -> None:
    facts = changed(ALIVE, mode=mode, wanted=wanted, runs=(), heartbeat_age=9999.0, **BACKLOG)
    assert verdict(facts)[1] is Action.LEAVE


@pytest.mark.parametrize("wanted", ["running", "stopped"])
def test_a_stream_from_a_shell_is_left_alone(wanted: str) -> None:
    facts = changed(ALIVE, wanted=wanted, holder_run_id=None, runs=(), heartbeat_age=9999.0)
    assert verdict(facts)[1] is Action.LEAVE


def test_the_first_stream_is_launched() -> None:
    assert verdict(stream_facts()) == (StreamState.DEAD, Action.LAUNCH)


def test_a_dead_stream_is_launched_with_the_reason_of_its_end() -> None:
    decision = decide(changed(DEAD, last_reason="run 1234abcd was ended by SIGKILL"))
    assert (decision.state, decision.action) == (StreamState.DEAD, Action.LAUNCH)
    assert "SIGKILL" in decision.reason
    assert "left no word" in decide(DEAD).reason


def test_a_zombie_run_is_reaped_before_anything_else() -> None:
    zombie = replace(STARTED, worker_is_gone=True)
    assert verdict(changed(DEAD, runs=(zombie,))) == (StreamState.DEAD, Action.REAP_RUN)


def test_a_run_that_is_starting_is_waited_for_and_a_slow_machine_gets_more_time() -> None:
    run = StreamRun("run-2", "started", START_LIMIT + 1)
    assert verdict(changed(DEAD, runs=(replace(run, seconds_in_phase=5),))) == (
        StreamState.STARTING,
        Action.LEAVE,
    )
    assert verdict(changed(DEAD, runs=(run,)))[1] is Action.END_RUN
    assert verdict(changed(DEAD, failures=2, runs=(run,)))[1] is Action.LEAVE
    for phase in ("queued", "starting"):
        waiting = replace(run, phase=phase, seconds_in_phase=9999.0)
        assert verdict(changed(DEAD, runs=(waiting,))) == (StreamState.STARTING, Action.LEAVE)


def test_a_run_that_lost_its_driver_may_end_by_itself_then_is_ended() -> None:
    assert verdict(changed(DEAD, runs=(STARTED,), heartbeat_age=2.0)) == (StreamState.DEAD, Action.LEAVE)
    assert verdict(changed(DEAD, runs=(STARTED,), heartbeat_age=99.0)) == (StreamState.DEAD, Action.END_RUN)


def test_a_run_that_never_finishes_ending_is_reaped() -> None:
    run = replace(STARTED, phase="canceling", seconds_in_phase=KILL_AFTER + 1)
    assert verdict(changed(DEAD, runs=(run,)))[1] is Action.REAP_RUN


def test_failures_lead_to_a_pause_and_then_to_another_attempt() -> None:
    looping = changed(DEAD, failures=CRASH_LOOP_FAILURES, seconds_until_attempt=12.0)
    assert verdict(looping) == (StreamState.CRASH_LOOPING, Action.LEAVE)
    assert verdict(changed(looping, seconds_until_attempt=0.0)) == (
        StreamState.CRASH_LOOPING,
        Action.LAUNCH,
    )
    assert verdict(changed(looping, failures=1)) == (StreamState.DEAD, Action.LEAVE)


def test_a_clock_that_was_set_back_does_not_stop_the_stream_for_ever() -> None:
    assert verdict(changed(DEAD, seconds_until_attempt=LONGEST_PAUSE * 10))[1] is Action.LAUNCH


def test_failures_are_forgotten_only_by_a_stream_that_has_lived() -> None:
    assert decide(changed(ALIVE, held_seconds=HEALTHY_AFTER + 1)).is_healthy
    assert not decide(changed(ALIVE, held_seconds=HEALTHY_AFTER - 1)).is_healthy
    assert not decide(changed(ALIVE, held_seconds=HEALTHY_AFTER + 1, progress_age=99.0)).is_healthy


def test_pauses_double_up_to_the_longest() -> None:
    pauses = [pause_after(failures) for failures in range(12)]
    assert pauses[:4] == [0.0, 5.0, 10.0, 20.0]
    assert pauses == sorted(pauses)
    assert pause_after(10**6) == LONGEST_PAUSE


def test_stopped_on_purpose_stays_stopped_and_ends_what_runs() -> None:
    assert verdict(changed(DEAD, wanted="stopped")) == (StreamState.STOPPED, Action.LEAVE)
    assert verdict(changed(ALIVE, wanted="stopped"))[1] is Action.END_RUN
    coming = StreamRun("run-2", "queued", 1.0)
    assert verdict(changed(DEAD, wanted="stopped", runs=(coming,))) == (StreamState.STOPPED, Action.END_RUN)


UNKNOWN_RUNS = stream_facts(knows_runs=False)
WHY = {"has_run": True, "failures": CRASH_LOOP_FAILURES}


@pytest.mark.parametrize(
    ("state", "facts"),
    [
        (StreamState.STARTING, stream_facts(runs=(StreamRun("run-1", "queued", 1.0),))),
        (StreamState.RUNNING, ALIVE),
        (StreamState.IDLE, changed(ALIVE, commit_age=3600.0)),
        (StreamState.BEHIND, changed(ALIVE, files_waiting=1, oldest_waiting_age=BEHIND_AFTER + 1)),
        (StreamState.STUCK, changed(ALIVE, held_seconds=999.0, progress_age=STUCK_AFTER + 1, **BACKLOG)),
        (StreamState.WAITING, changed(ALIVE, waits=WAITS)),
        (StreamState.WAITING, changed(DEAD, waits=WAITS)),
        (StreamState.DEAD, DEAD),
        (StreamState.CRASH_LOOPING, changed(DEAD, failures=CRASH_LOOP_FAILURES)),
        (StreamState.STOPPED, changed(DEAD, wanted="stopped")),
    ],
    ids=str,
)
def test_each_of_the_nine_states_is_told_by_its_facts_with_and_without_dagster(
    state: StreamState, facts: StreamFacts
) -> None:
    assert decide(facts).state is state
    if (
        facts.runs.in_flight and not facts.holder.lock_held
    ):  # in flight: without Dagster, what the launch left in the ledger tells it
        facts = changed(facts, launched_age=facts.runs.in_flight[0].seconds_in_phase)
    assert decide(changed(facts, runs=(), knows_runs=False)).state is state


def test_all_states_are_among_the_nine() -> None:
    assert len(StreamState) == 9


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        (UNKNOWN_RUNS, StreamState.DEAD),
        (changed(UNKNOWN_RUNS, is_awaited=True), StreamState.STARTING),
        (changed(UNKNOWN_RUNS, is_awaited=True, wanted="stopped"), StreamState.STOPPED),
        (changed(UNKNOWN_RUNS, launched_age=3.0, failures=1), StreamState.STARTING),
        (changed(UNKNOWN_RUNS, launched_age=START_LIMIT + 1, failures=1), StreamState.DEAD),
        (changed(UNKNOWN_RUNS, launched_age=3.0, **WHY), StreamState.STARTING),
        (
            changed(UNKNOWN_RUNS, launched_age=3.0, failures=CRASH_LOOP_FAILURES + 1),
            StreamState.CRASH_LOOPING,
        ),
    ],
)
def test_a_stream_on_its_way_is_starting_also_for_one_who_cannot_ask_dagster(
    facts: StreamFacts, state: StreamState
) -> None:
    decision = decide(facts)
    assert decision.state is state
    if state is StreamState.STARTING:
        assert decision.action is Action.LEAVE


def test_the_supervisor_itself_waits_for_nobody() -> None:
    assert decide(stream_facts(is_awaited=True, launched_age=1.0)).action is Action.LAUNCH


ages = st.floats(0, 1000)
maybe_age = st.none() | ages
runs = st.builds(
    StreamRun,
    st.sampled_from(["run-1", "run-2", "run-3"]),
    st.sampled_from(["queued", "starting", "started", "canceling"]),
    ages,
    st.booleans(),
)
any_facts = st.builds(
    stream_facts,
    wanted=st.sampled_from(["running", "stopped"]),
    lock_held=st.booleans(),
    row_is_of_holder=st.booleans(),
    mode=st.sampled_from([None, "continuous", "catch-up", "replay"]),
    holder_run_id=st.sampled_from([None, "run-1", "run-9"]),
    holder_run_ended=maybe_age,
    held_seconds=ages,
    heartbeat_age=maybe_age,
    progress_age=maybe_age,
    commit_age=maybe_age,
    files_waiting=st.integers(0, 9),
    oldest_waiting_age=maybe_age,
    runs=st.lists(runs, max_size=3, unique_by=lambda run: run.run_id).map(tuple),
    failures=st.integers(0, 50),
    seconds_until_attempt=ages,
    has_run=st.booleans(),
)


@given(any_facts)
def test_whatever_the_facts_a_second_stream_is_never_launched(facts: StreamFacts) -> None:
    state, action = verdict(facts)
    if action is Action.LAUNCH:
        assert not facts.holder.lock_held
        assert not facts.runs.in_flight
        assert facts.wanted == "running"
    if action is Action.KILL_DRIVER:
        assert facts.holder.lock_held
        assert facts.holder.row_is_current
        assert facts.holder.mode == "continuous"
        assert facts.holder.run_id is not None
    if action is Action.REAP_RUN:
        reaped = next(run for run in facts.runs.in_flight if run.run_id == decide(facts).run_id)
        assert not (facts.holder.lock_held and reaped is facts.holder_run)
    assert state in StreamState


def test_that_nobody_watches_over_the_stream_is_said_whatever_its_state() -> None:
    looked_at = datetime(2026, 3, 1, 14, 5, 3, tzinfo=UTC)
    for facts in (ALIVE, DEAD, changed(DEAD, wanted="stopped")):
        seen = changed(facts, supervised_at=looked_at, supervised_age=5.0)
        assert decide(seen).unsupervised is None
        unseen = changed(seen, supervised_age=UNSUPERVISED_AFTER + 1)
        assert decide(unseen).unsupervised == "the supervisor has not looked since 2026-03-01 14:05:03 UTC"
        assert decide(changed(unseen, is_awaited=True)).unsupervised is None
    assert decide(ALIVE).unsupervised is None, "it never has: there may be no Dagster at all"


def test_a_stuck_stream_whose_run_was_deleted_is_killed_because_nobody_can_ask_it() -> None:
    facts = changed(ALIVE, runs=(), holder_run_is_known=False)
    assert verdict(facts) == (StreamState.RUNNING, Action.LEAVE)
    assert verdict(changed(facts, heartbeat_age=61.0)) == (StreamState.STUCK, Action.KILL_DRIVER)
