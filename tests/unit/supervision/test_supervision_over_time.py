"""The supervisor over time, in a model of what can happen to a stream: whatever is killed, and whenever, there is
never a second stream, and in the end there is one. Guards the limits against each other, which no single look does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from stream_facts import stream_facts

from clickstream_assets.supervision.decision import decide
from clickstream_assets.supervision.limits import pause_after
from clickstream_assets.supervision.model import Action, StreamFacts, StreamRun, StreamState

TICK = 5.0  # seconds
LONG = 400  # ticks: more than the longest pauses and limits together


@dataclass
class Run:
    run_id: str
    phase: str = "queued"
    since: float = 0.0
    worker_lives: bool = False


@dataclass
class Driver:
    run_id: str | None
    began: float
    is_deaf: bool = False  # does not end when asked, nor when its parent is gone
    is_stalled: bool = False  # beats, but commits nothing
    lives: bool = True


@dataclass
class World:
    """One host: runs, drivers, the lease row, and files that always wait a little."""

    now: float = 1000.0
    wanted: str = "running"
    runs: list[Run] = field(default_factory=list)
    ended_at: dict[str, float] = field(default_factory=dict)
    driver: Driver | None = None
    last_driver: Driver | None = None
    last_progress: float = 1000.0
    failures: int = 0
    next_attempt: float = 0.0
    launched: int = 0
    code_server_lives: bool = True

    def end(self, run: Run) -> None:
        self.runs.remove(run)
        self.ended_at[run.run_id] = self.now

    def live(self) -> None:
        """Five seconds of everyone but the supervisor."""
        self.now += TICK
        driver = self.driver
        for run in list(self.runs):
            mine = driver if driver and driver.run_id == run.run_id else None
            if run.phase == "queued" and self.code_server_lives:
                run.phase, run.since, run.worker_lives = "started", self.now, True
            elif run.phase != "queued" and not run.worker_lives:
                if self.code_server_lives and run.phase != "zombie":
                    self.end(run)  # the code server notices
                if mine and not mine.is_deaf:
                    mine.lives = False  # so does the driver
            elif run.phase == "canceling" and (mine is None or not mine.is_deaf):
                if mine:
                    mine.lives = False
                self.end(run)
            elif run.phase == "started" and mine is None:
                has_had_its_driver = self.last_driver is not None and self.last_driver.run_id == run.run_id
                if driver is None and not has_had_its_driver:
                    self.driver = self.last_driver = Driver(run.run_id, self.now)
                    driver = self.driver
                else:
                    self.end(run)  # its driver has died, or was refused the lease
        if driver and not driver.lives:
            self.driver = None
        elif driver and not driver.is_stalled:
            self.last_progress = self.now
        self.code_server_lives = True  # restarted by then

    def supervise(self) -> StreamState:
        decision = decide(self.facts())
        run = next((run for run in self.runs if run.run_id == decision.run_id), None)
        match decision.action:
            case Action.LAUNCH:
                assert not self.runs
                assert self.driver is None
                self.launched += 1
                self.failures += 1
                self.next_attempt = self.now + pause_after(self.failures)
                self.runs.append(Run(f"run-{self.launched}", since=self.now))
            case Action.REAP_RUN:
                assert run is not None
                assert not run.worker_lives or run.phase == "canceling"
                self.end(run)
            case Action.END_RUN:
                assert run is not None
                if run.phase == "queued":
                    self.end(run)
                else:
                    run.phase, run.since = "canceling", self.now
            case Action.KILL_DRIVER:
                assert self.driver is not None
                assert self.driver.run_id is not None
                self.driver = None
        if decision.is_healthy:
            self.failures = 0
        return decision.state

    def facts(self) -> StreamFacts:
        row = self.last_driver
        progress = None if row is None else max(row.began, self.last_progress)
        return stream_facts(
            wanted="running" if self.wanted == "running" else "stopped",
            lock_held=self.driver is not None,
            mode="continuous" if row else None,
            holder_run_id=row.run_id if row else None,
            holder_run_ended=self.now - self.ended_at[row.run_id]
            if row and row.run_id in self.ended_at
            else None,
            held_seconds=self.now - row.began if row else 0.0,
            heartbeat_age=None if row is None else (0.0 if self.driver else 10.0),
            progress_age=None if progress is None else self.now - progress,
            files_waiting=1,
            oldest_waiting_age=self.now - (progress or 1000.0),
            runs=tuple(
                StreamRun(
                    run.run_id,
                    "started" if run.phase == "zombie" else run.phase,  # type: ignore[arg-type]
                    self.now - run.since,
                    worker_is_gone=run.phase == "zombie",
                )
                for run in self.runs
            ),
            failures=self.failures,
            seconds_until_attempt=max(0.0, self.next_attempt - self.now),
            has_run=row is not None,
        )


def kill_driver(world: World) -> None:
    world.driver = None


def kill_workers(world: World) -> None:
    for run in world.runs:
        run.worker_lives = False


def kill_everything(world: World) -> None:
    for run in world.runs:
        if run.phase != "queued":
            run.phase, run.worker_lives = "zombie", False
    world.driver = None
    world.code_server_lives = False


def kill_dagster_under_a_deaf_driver(world: World) -> None:
    deafen(world)
    kill_workers(world)


def deafen(world: World) -> None:
    if world.driver:
        world.driver.is_deaf = True


def stall(world: World) -> None:
    if world.driver:
        world.driver.is_stalled = True


def stop(world: World) -> None:
    world.wanted = "stopped"


def start(world: World) -> None:
    world.wanted, world.failures, world.next_attempt = "running", 0, 0.0


EVENTS: list[Callable[[World], None]] = [
    kill_driver,
    kill_workers,
    kill_everything,
    kill_dagster_under_a_deaf_driver,
    deafen,
    stall,
    stop,
    start,
]


@hypothesis_settings(max_examples=300)
@given(st.lists(st.tuples(st.sampled_from(EVENTS), st.integers(0, 12)), max_size=8))
def test_whatever_happens_there_is_never_a_second_stream_and_in_the_end_one(
    history: list[tuple[Callable[[World], None], int]],
) -> None:
    world = World()
    for event, ticks in [*history, (start, LONG)]:
        event(world)
        for _ in range(ticks):
            world.live()
            state = world.supervise()
            assert len(world.runs) <= 1
    assert world.driver is not None
    assert [run.run_id for run in world.runs] == [world.driver.run_id]
    assert state is StreamState.RUNNING
    assert world.failures == 0


def test_a_stream_that_lived_and_was_killed_is_back_within_45_seconds() -> None:
    for fault in (kill_driver, kill_workers, kill_everything):
        world = World()
        for _ in range(20):
            world.live()
            world.supervise()
        fault(world)
        began = world.now
        while world.driver is None or world.driver.began <= began:
            world.live()
            world.supervise()
        assert world.now - began <= 45, fault.__name__


def test_stopped_on_purpose_nothing_is_left_and_nothing_is_started() -> None:
    world = World()
    for _ in range(20):
        world.live()
        world.supervise()
    launched = world.launched
    stop(world)
    for _ in range(LONG):
        world.live()
        state = world.supervise()
    assert (world.driver, world.runs, world.launched, state) == (None, [], launched, StreamState.STOPPED)
