"""The words of supervision: what is known about the stream, the states it may be in, what can be done about it.

Ages are in seconds; None: there is no such moment.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from clickstream_assets.outages.stream_waits import StreamWaits


class StreamState(StrEnum):
    """How the stream is, in one word. `StreamDecision.reason` has the sentence."""

    STARTING = "starting"
    RUNNING = "running"
    IDLE = "idle"
    BEHIND = "behind"
    WAITING = "waiting"  # for its database, or its directory; it goes on by itself
    STUCK = "stuck"
    DEAD = "dead"
    CRASH_LOOPING = "crash-looping"
    STOPPED = "stopped"


class Action(StrEnum):
    """What the supervisor does about it, at most one per tick."""

    LEAVE = "leave"
    LAUNCH = "launch"
    END_RUN = "end the run"  # through Dagster: the driver finishes its micro-batch
    REAP_RUN = "mark the run as failed"  # its worker is gone, nobody else will
    END_DRIVER = "ask the driver to end"  # where Dagster has no run of it any more
    KILL_DRIVER = "kill the driver"  # it did not end when asked, or nobody can ask it


@dataclass(frozen=True)
class StreamRun:
    """A run of the job `spark_stream` that Dagster believes to be in flight."""

    run_id: str
    phase: Literal["queued", "starting", "started", "canceling"]
    seconds_in_phase: float
    worker_is_gone: bool = False  # no code server knows the process of this run any more


@dataclass(frozen=True)
class Holder:
    """Who holds the stream's lock, or held it last, by the lease row."""

    lock_held: bool = False
    row_is_current: bool = True  # between taking the lock and writing the row, the row is the predecessor's
    mode: str | None = None  # continuous or catch-up
    run_id: str | None = None
    run_is_known: bool = True  # to this Dagster; a run that was deleted is not
    run_ended: float | None = None  # age of that run's end; None while in flight or unknown
    held_seconds: float = 0.0
    heartbeat_age: float | None = None
    progress_age: float | None = None


@dataclass(frozen=True)
class Runs:
    """The runs of the stream in flight, the oldest first."""

    in_flight: tuple[StreamRun, ...] = ()
    known: bool = True  # False for one who asks without Dagster, such as `clickstream status`


@dataclass(frozen=True)
class Backlog:
    """The files that wait on disk, and the age of the last commit."""

    files: int = 0
    oldest_age: float | None = None
    commit_age: float | None = None
    files_on_disk: int = 0
    look_seconds: float = 0.0  # that the look at the disk took


@dataclass(frozen=True)
class Starts:
    """Past and coming starts of the stream."""

    failures: int = 0  # starts in a row that did not live for HEALTHY_AFTER
    seconds_until_attempt: float = 0.0
    launched_age: float | None = None  # since a run was launched that has not taken the lock yet
    is_awaited: bool = False  # the supervisor has just been started, and will look within seconds
    has_run: bool = False  # ever
    last_reason: str | None = None  # why the last stream ended; None: it left no word


@dataclass(frozen=True)
class StreamFacts:
    """What is known about the stream at one moment."""

    wanted: Literal["running", "stopped"] = "running"
    wanted_age: float | None = None  # since someone said so
    supervised_at: datetime | None = None  # when the supervisor last looked
    supervised_age: float | None = None
    holder: Holder = field(default_factory=Holder)
    runs: Runs = field(default_factory=Runs)
    backlog: Backlog = field(default_factory=Backlog)
    starts: Starts = field(default_factory=Starts)
    # Of the holder of the lock; where nobody holds it, of whichever process of this home waits.
    waits: StreamWaits | None = None
    read_only: str | None = None  # why nothing can be noted in the database, a sentence

    @property
    def holder_run(self) -> StreamRun | None:
        """The run in flight that the holder of the lock belongs to."""
        return next((run for run in self.runs.in_flight if run.run_id == self.holder.run_id), None)


@dataclass(frozen=True)
class StreamDecision:
    """The verdict of one look. `run_id` is the run that END_RUN and REAP_RUN are about."""

    state: StreamState
    action: Action
    reason: str
    run_id: str | None = None
    is_healthy: bool = False  # lived for HEALTHY_AFTER: earlier failures are forgotten
    unsupervised: str | None = None  # that nobody watches over it, as a clause


Rule = Callable[[StreamFacts], StreamDecision | None]  # None: it does not apply
