"""Guards when the check `stream_alive` is red: a dead stream that looks green is the worst lie of a control room."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from clickstream_assets.checks.judgement import Judgement
from clickstream_assets.checks.on_events.stream_alive import Facts, judge
from clickstream_assets.ledger.facts import LeaseRow
from clickstream_assets.supervision.model import Action, StreamDecision, StreamState
from clickstream_assets.thresholds import STREAM_GONE

NOW = datetime(2026, 3, 1, 14, 5, tzinfo=UTC)
HELD = LeaseRow(
    epoch=3,
    mode="continuous",
    dagster_run_id="run-1",
    pid=42,
    host="here",
    spark_ui_url=None,
    started_at=NOW - timedelta(hours=1),
    heartbeat_at=NOW - timedelta(seconds=1),
    last_progress_at=NOW,
    released_at=None,
    wanted="running",
    wanted_at=None,
    failures=0,
    next_attempt_at=None,
    launched_at=None,
    supervised_at=None,
    last_reason=None,
    lock_backend_pid=7,
    now=NOW,
)
GONE = replace(HELD, lock_backend_pid=None)
NEVER = replace(GONE, epoch=0, started_at=None, heartbeat_at=None)


def decision(state: StreamState) -> StreamDecision:
    return StreamDecision(state, Action.LEAVE, "because of it")


def judge_stream(decision: StreamDecision, lease: LeaseRow) -> Judgement:
    return judge(Facts(decision, lease))


def gone_for(seconds: float) -> LeaseRow:
    return replace(GONE, heartbeat_at=NOW - timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("state", "lease", "verdict"),
    [
        (StreamState.STARTING, NEVER, "pass"),
        (StreamState.STARTING, gone_for(3600), "pass"),
        (StreamState.RUNNING, HELD, "pass"),
        (StreamState.IDLE, HELD, "pass"),
        (StreamState.BEHIND, HELD, "pass"),
        (StreamState.STUCK, HELD, "error"),
        (StreamState.CRASH_LOOPING, GONE, "error"),
        (StreamState.STOPPED, gone_for(3600), "warn"),
        (StreamState.DEAD, gone_for(3), "warn"),
        (StreamState.DEAD, gone_for(STREAM_GONE.error_above + 1), "error"),
        (StreamState.DEAD, NEVER, "pass"),
    ],
)
def test_every_state_is_judged_and_says_itself_and_its_reason(
    state: StreamState, lease: LeaseRow, verdict: str
) -> None:
    judgement = judge_stream(decision(state), lease)
    assert judgement.verdict == verdict
    assert judgement.metadata["state"] == state
    if lease is not NEVER or state is not StreamState.DEAD:
        assert judgement.description.startswith(str(state))
        assert judgement.description.endswith("because of it.")


def test_how_long_a_dead_stream_has_been_gone_is_said() -> None:
    judgement = judge_stream(decision(StreamState.DEAD), gone_for(125))
    assert judgement.metadata["gone_for_seconds"] == 125.0
    assert "dead for 2 min" in judgement.description


def test_a_clean_end_counts_from_its_end_and_not_from_the_last_heartbeat() -> None:
    lease = replace(gone_for(500), released_at=NOW - timedelta(seconds=5))
    assert judge_stream(decision(StreamState.DEAD), lease).verdict == "warn"


def test_a_stream_that_nobody_watches_over_is_a_warning_although_it_works() -> None:
    unwatched = replace(
        decision(StreamState.RUNNING), unsupervised="the supervisor has not looked since noon"
    )
    judgement = judge_stream(unwatched, HELD)
    assert judgement.verdict == "warn"
    assert judgement.description.endswith("the supervisor has not looked since noon.")
    stuck = replace(decision(StreamState.STUCK), unsupervised="the supervisor has not looked since noon")
    assert judge_stream(stuck, HELD).verdict == "error"
