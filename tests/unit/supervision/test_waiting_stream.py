"""A stream that waits for its database or its directory: neither ended, nor joined by another one, nor called dead."""

from __future__ import annotations

import os
import socket
from dataclasses import replace

import pytest
from stream_facts import changed, stream_facts

from clickstream_assets.outages.stream_waits import StreamWaits
from clickstream_assets.supervision.decision import decide
from clickstream_assets.supervision.limits import END_LIMIT, HEARTBEAT_LOST_AFTER, KILL_AFTER, START_LIMIT
from clickstream_assets.supervision.model import Action, StreamFacts, StreamRun, StreamState

WAITS = StreamWaits(
    "the database",
    "it is shutting down",
    1785585600.0,
    1785585610.0,
    os.getpid(),
    socket.gethostname(),
    "run-1",
)
SENTENCE = "waits for the database since 2026-08-01 12:00:00 UTC: it is shutting down"
STARTED = StreamRun("run-1", "started", 5 * START_LIMIT)
HOLDS = stream_facts(
    lock_held=True,
    mode="continuous",
    holder_run_id="run-1",
    held_seconds=900.0,
    heartbeat_age=HEARTBEAT_LOST_AFTER + 1,
    progress_age=900.0,
    files_waiting=7,
    oldest_waiting_age=600.0,
    runs=(STARTED,),
    has_run=True,
    waits=WAITS,
)
HAS_LOST_ITS_SESSION = changed(HOLDS, lock_held=False, heartbeat_age=10 * END_LIMIT)
HAS_NEVER_HAD_IT = changed(HAS_LOST_ITS_SESSION, holder_run_id="run-0")


@pytest.mark.parametrize("facts", [HOLDS, HAS_LOST_ITS_SESSION, HAS_NEVER_HAD_IT])
def test_it_is_left_alone_however_long_it_takes_with_and_without_dagster(facts: StreamFacts) -> None:
    decision = decide(facts)
    assert (decision.state, decision.action) == (StreamState.WAITING, Action.LEAVE)
    assert decision.reason.endswith(SENTENCE)
    assert decide(changed(facts, runs=(), knows_runs=False)).state is StreamState.WAITING


@pytest.mark.parametrize("facts", [HOLDS, HAS_LOST_ITS_SESSION, HAS_NEVER_HAD_IT])
def test_without_its_word_it_would_be_ended(facts: StreamFacts) -> None:
    assert decide(changed(facts, waits=None)).action is Action.END_RUN


def test_one_that_no_run_belongs_to_is_joined_by_no_other() -> None:
    facts = changed(HAS_LOST_ITS_SESSION, runs=(), waits=replace(WAITS, dagster_run_id=None))
    decision = decide(facts)
    assert (decision.state, decision.action) == (StreamState.WAITING, Action.LEAVE)
    assert decision.reason.startswith(
        f"process {os.getpid()} on {socket.gethostname()} waits for the database"
    )
    assert decide(changed(facts, waits=None)).action is Action.LAUNCH


def test_one_that_is_to_be_stopped_is_asked_to_end() -> None:
    for facts in (HOLDS, HAS_LOST_ITS_SESSION, HAS_NEVER_HAD_IT):
        decision = decide(changed(facts, wanted="stopped"))
        assert (decision.action, decision.run_id) == (Action.END_RUN, "run-1")


def test_one_whose_run_was_asked_to_end_and_does_not_is_no_longer_waited_for() -> None:
    facts = changed(HAS_LOST_ITS_SESSION, runs=(StreamRun("run-1", "canceling", KILL_AFTER + 1),))
    assert decide(facts).action is Action.REAP_RUN
    facts = changed(HOLDS, runs=(StreamRun("run-1", "canceling", KILL_AFTER + 1),))
    assert decide(facts).action is Action.KILL_DRIVER


READ_ONLY = "the database is read-only (it is a standby): name another one."


@pytest.mark.parametrize(
    ("facts", "state", "reason"),
    [
        (HOLDS, StreamState.WAITING, SENTENCE),
        (changed(HAS_LOST_ITS_SESSION, runs=()), StreamState.WAITING, f"{WAITS.who} {SENTENCE}"),
        (
            changed(HAS_LOST_ITS_SESSION, runs=(), waits=None, last_reason="stopped by SIGTERM"),
            StreamState.DEAD,
            f"the last one ended: stopped by SIGTERM; {READ_ONLY[:-1]}",
        ),
        (
            changed(HAS_LOST_ITS_SESSION, runs=(), waits=None, wanted="stopped"),
            StreamState.STOPPED,
            f"stopped on purpose; {READ_ONLY[:-1]}",
        ),
    ],
)
def test_where_nothing_can_be_noted_nothing_is_done_and_the_reason_is_said_once(
    facts: StreamFacts, state: StreamState, reason: str
) -> None:
    decision = decide(changed(facts, read_only=READ_ONLY))
    assert (decision.state, decision.action, decision.reason) == (state, Action.LEAVE, reason)
