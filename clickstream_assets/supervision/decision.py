"""Supervision of the stream: from the facts to a named state and one action. Pure: no clock, no I/O.

Belongs here: the states, the actions, the limits with their reasons, and `decide`. Does not belong here:
gathering the facts (`facts`), carrying the action out (`sensors`, `runs`).

Safety properties, each with a test:
1. A stream is launched only where no session holds the stream's lock and no run of its job is in flight.
2. The lock is the proof of life. A run's status is not: a worker that was killed leaves a run "started".
3. A stream that was stopped on purpose stays stopped; a catch-up run, and a stream that someone started
   outside Dagster, are left alone.
4. A start that fails is repeated after a growing pause. Failures are counted when a stream is launched and
   forgotten when it has lived for a while, so no way of dying escapes the count.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from clickstream_assets.thresholds import BEHIND_AFTER

IDLE_AFTER = 10.0  # seconds without a commit and with nothing waiting
STUCK_AFTER = 120.0  # seconds without progress while files wait; the largest micro-batch takes a quarter
BEGIN_LIMIT = (
    300.0  # seconds from the lock to the first progress; Spark took 90 on two cores with a load of 7
)
HEARTBEAT_LOST_AFTER = 60.0  # seconds; the driver beats every second, in a thread of its own
START_LIMIT = 60.0  # seconds from the run's start to the lock, times the failures: a busy machine is slow
END_LIMIT = 30.0  # seconds that a run may outlive its driver
KILL_AFTER = 60.0  # seconds that a driver may live on after it was asked to end: one micro-batch
ORPHAN_LIMIT = 15.0  # seconds that a driver may outlive its run: it looks for its parent every second
BEGUN_MARGIN = 2.0  # seconds: the first heartbeats put the progress at the start, give or take a query
HEALTHY_AFTER = 30.0  # seconds of life after which earlier failures are forgotten
CRASH_LOOP_FAILURES = 3  # failed starts in a row; fewer are an accident
FIRST_PAUSE = 5.0  # seconds between two starts, doubled with every failure
LONGEST_PAUSE = 300.0  # seconds: a fault that someone repairs is noticed within five minutes


class StreamState(StrEnum):
    """How the stream is, in one word. `StreamDecision.reason` has the sentence."""

    STARTING = "starting"
    RUNNING = "running"
    IDLE = "idle"
    BEHIND = "behind"
    STUCK = "stuck"
    DEAD = "dead"
    CRASH_LOOPING = "crash-looping"
    STOPPED = "stopped"


class Action(StrEnum):
    """What the supervisor does about it, at most one a tick."""

    LEAVE = "leave"
    LAUNCH = "launch"
    END_RUN = "end the run"  # through Dagster: the driver finishes its micro-batch
    REAP_RUN = "mark the run as failed"  # its worker is gone, nobody else will
    KILL_DRIVER = "kill the driver"  # it did not end when asked, or nobody can ask it


@dataclass(frozen=True)
class StreamRun:
    """A run of the job `spark_stream` that Dagster believes to be in flight."""

    run_id: str
    phase: Literal["queued", "starting", "started", "canceling"]
    seconds_in_phase: float
    worker_is_gone: bool = False  # no code server knows the process of this run any more


@dataclass(frozen=True)
class StreamFacts:
    """What is known about the stream at one moment. Ages are in seconds; None: there is no such moment."""

    wanted: Literal["running", "stopped"] = "running"
    lock_held: bool = False
    row_is_of_holder: bool = True  # between taking the lock and writing the row, the row is its predecessor's
    mode: str | None = None  # of the holder: continuous, catch-up or replay
    holder_run_id: str | None = None  # of the holder, or of the last one
    holder_run_ended: float | None = None  # age of the end of that run; None while in flight or unknown
    held_seconds: float = 0.0
    heartbeat_age: float | None = None
    progress_age: float | None = None
    commit_age: float | None = None
    files_waiting: int = 0
    oldest_waiting_age: float | None = None
    knows_runs: bool = True  # False for one who asks without Dagster, such as `clickstream status`
    launched_age: float | None = None  # since the supervisor launched a run that has not taken the lock yet
    is_awaited: bool = False  # the supervisor has just been started, and will look within seconds
    runs: tuple[StreamRun, ...] = ()  # in flight, the oldest first
    failures: int = 0  # starts in a row that did not live for HEALTHY_AFTER
    seconds_until_attempt: float = 0.0
    has_run: bool = False
    last_reason: str | None = None  # why the last stream ended; None: it left no word

    @property
    def holder_run(self) -> StreamRun | None:
        """The run in flight that the holder of the lock belongs to."""
        return next((run for run in self.runs if run.run_id == self.holder_run_id), None)


@dataclass(frozen=True)
class StreamDecision:
    """The verdict of one look. `run_id` is the run that END_RUN and REAP_RUN are about."""

    state: StreamState
    action: Action
    reason: str
    run_id: str | None = None
    is_healthy: bool = False  # lived for HEALTHY_AFTER: earlier failures are forgotten


def pause_after(failures: int) -> float:
    """Seconds between the last start and the next one, after `failures` starts in a row that failed."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** (min(failures, 32) - 1)) if failures > 0 else 0.0


def decide(facts: StreamFacts) -> StreamDecision:
    """The state of the stream and the one thing to do about it."""
    for run in facts.runs:
        if run.worker_is_gone and not (facts.lock_held and run is facts.holder_run):
            reason = f"run {run.run_id[:8]} is marked as {run.phase}, but its worker is gone"
            state = _health(facts)[0] if facts.lock_held else _absent_state(facts)
            return StreamDecision(state, Action.REAP_RUN, reason, run.run_id)
    return _judge_living(facts) if facts.lock_held else _judge_absent(facts)


def _judge_living(facts: StreamFacts) -> StreamDecision:
    if not facts.row_is_of_holder:
        return StreamDecision(StreamState.STARTING, Action.LEAVE, "a stream is taking the lease")
    state, reason = _health(facts)
    run = facts.holder_run
    if not facts.knows_runs:
        return StreamDecision(state, Action.LEAVE, reason)
    if facts.mode != "continuous":
        return StreamDecision(state, Action.LEAVE, f"a {facts.mode} run has the stream: {reason}")
    if run is None and (facts.holder_run_id is None or facts.holder_run_ended is None):
        return StreamDecision(state, Action.LEAVE, f"started outside Dagster: {reason}")
    if run is None:
        orphan = f"its run {str(facts.holder_run_id)[:8]} has ended, its driver has not"
        waits = facts.holder_run_ended is not None and facts.holder_run_ended < ORPHAN_LIMIT
        return StreamDecision(state, Action.LEAVE if waits else Action.KILL_DRIVER, orphan)
    if run.phase == "canceling":
        asked = f"run {run.run_id[:8]} was asked to end {run.seconds_in_phase:.0f} s ago"
        action = Action.LEAVE if run.seconds_in_phase < KILL_AFTER else Action.KILL_DRIVER
        return StreamDecision(state, action, asked, run.run_id)
    if facts.wanted == "stopped" or state is StreamState.STUCK:
        # A run whose worker is gone can't be asked.
        action = Action.KILL_DRIVER if run.worker_is_gone else Action.END_RUN
        why = "the stream is to be stopped" if facts.wanted == "stopped" else reason
        return StreamDecision(state, action, why, run.run_id)
    healthy = state is not StreamState.STARTING and facts.held_seconds >= HEALTHY_AFTER
    return StreamDecision(state, Action.LEAVE, reason, run.run_id, is_healthy=healthy)


def _health(facts: StreamFacts) -> tuple[StreamState, str]:
    """State of a stream that holds the lock."""
    waiting = f"{facts.files_waiting} files waiting, the oldest for {facts.oldest_waiting_age or 0:.0f} s"
    if (facts.heartbeat_age or 0) > HEARTBEAT_LOST_AFTER:
        return StreamState.STUCK, f"alive, but without a heartbeat for {facts.heartbeat_age:.0f} s"
    since_progress = facts.held_seconds
    if facts.progress_age is not None:
        since_progress = min(since_progress, facts.progress_age)
    has_begun = since_progress < facts.held_seconds - BEGUN_MARGIN
    if facts.held_seconds < 0:  # the clock was set back: what was noted since then tells
        has_begun = facts.progress_age is not None and facts.progress_age >= 0
    limit = STUCK_AFTER if has_begun else BEGIN_LIMIT
    if since_progress > limit and ((facts.oldest_waiting_age or 0) > STUCK_AFTER or not has_begun):
        return StreamState.STUCK, f"alive, but without progress for {since_progress:.0f} s; {waiting}"
    if not has_begun:
        return StreamState.STARTING, f"has the lock since {facts.held_seconds:.0f} s, Spark is starting"
    if (facts.oldest_waiting_age or 0) > BEHIND_AFTER:
        return StreamState.BEHIND, waiting
    if not facts.files_waiting and (facts.commit_age is None or facts.commit_age > IDLE_AFTER):
        return StreamState.IDLE, "nothing is waiting"
    return StreamState.RUNNING, waiting if facts.files_waiting else "nothing is waiting"


def _judge_absent(facts: StreamFacts) -> StreamDecision:
    state = _absent_state(facts)
    if facts.runs:
        return _judge_run_without_driver(facts, facts.runs[0], state)
    if state is StreamState.STARTING:
        launched = f"a run was launched {facts.launched_age or 0:.0f} s ago"
        why = launched if _was_just_launched(facts) else "the supervisor is about to start it"
        return StreamDecision(state, Action.LEAVE, why)
    why = "no stream has run yet"
    if facts.has_run:
        why = f"the last one ended: {facts.last_reason or 'it left no word, its process was killed'}"
    if facts.wanted == "stopped":
        return StreamDecision(state, Action.LEAVE, "stopped on purpose; the job start_stream starts it again")
    # A pause beyond the longest one comes from a clock that was set back.
    if 0 < facts.seconds_until_attempt <= LONGEST_PAUSE:
        pause = f"next start in {facts.seconds_until_attempt:.0f} s, after {facts.failures} that failed"
        return StreamDecision(state, Action.LEAVE, f"{pause}; {why}")
    return StreamDecision(state, Action.LAUNCH, why)


def _judge_run_without_driver(facts: StreamFacts, run: StreamRun, state: StreamState) -> StreamDecision:
    """A run is in flight and nobody has the lock: it is about to take it, or its driver has died."""
    name = f"run {run.run_id[:8]}"
    if run.phase == "canceling":
        action = Action.REAP_RUN if run.seconds_in_phase > KILL_AFTER else Action.LEAVE
        return StreamDecision(state, action, f"{name} is ending; its driver is gone", run.run_id)
    if facts.wanted == "stopped":
        return StreamDecision(state, Action.END_RUN, "the stream is to be stopped", run.run_id)
    if run.run_id == facts.holder_run_id:
        outlived = facts.heartbeat_age if facts.heartbeat_age is not None else run.seconds_in_phase
        action = Action.END_RUN if outlived > END_LIMIT else Action.LEAVE
        return StreamDecision(state, action, f"{name} has lost its driver {outlived:.0f} s ago", run.run_id)
    limit = START_LIMIT * max(1, min(facts.failures, 4))
    if run.phase == "started" and run.seconds_in_phase > limit:
        reason = f"{name} has not taken the lock within {limit:.0f} s"
        return StreamDecision(state, Action.END_RUN, reason, run.run_id)
    return StreamDecision(state, Action.LEAVE, f"{name} is {run.phase}", run.run_id)


def _absent_state(facts: StreamFacts) -> StreamState:
    if facts.wanted == "stopped":
        return StreamState.STOPPED
    was_just_launched = _was_just_launched(facts)
    # The start in flight was counted when it was launched, and has not failed yet.
    if facts.failures - (bool(facts.runs) or was_just_launched) >= CRASH_LOOP_FAILURES:
        return StreamState.CRASH_LOOPING
    is_coming = any(
        run.run_id != facts.holder_run_id and run.phase != "canceling" and not run.worker_is_gone
        for run in facts.runs
    )
    is_coming = is_coming or was_just_launched or (facts.is_awaited and not facts.knows_runs)
    return StreamState.STARTING if is_coming else StreamState.DEAD


def _was_just_launched(facts: StreamFacts) -> bool:
    """For one who does not know the runs: whether one is on its way, as far as the ledger tells."""
    limit = START_LIMIT * max(1, min(facts.failures, 4))
    return not facts.knows_runs and facts.launched_age is not None and facts.launched_age <= limit
