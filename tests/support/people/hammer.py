"""What people do to a running Dagster, at random, by a seed."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import psutil
from dagster_graphql_client import (
    ask,
    delete_run,
    launch,
    launch_job,
    runs_of,
    set_cursor,
    switch,
    terminate,
    wipe,
)
from lies import SWITCHED
from shown_graph import REFRESHED, REPORTED
from up_stack import Up, until

from clickstream_assets.paths import STREAM_PROGRAM

WEBSERVER_LIMIT = 150.0  # seconds: 90 after its start nothing is expected of it, then it is asked six times


@dataclass
class Done:
    """What the hammer knows, since it did it."""

    log: list[str] = field(default_factory=list)
    off: dict[str, float] = field(default_factory=dict)  # sensors that are switched off, since when
    frozen: dict[int, float] = field(default_factory=dict)  # processes that are stopped, since when

    def say(self, what: str) -> None:
        self.log.append(f"{time.strftime('%H:%M:%S')} {what}")


class Hammer:
    """Does one thing at a time, at random, by a seed. `is_long`: also what takes minutes."""

    def __init__(self, up: Up, seed: int, *, is_long: bool) -> None:
        self._up = up
        self._chance = random.Random(seed)
        self.done = Done()
        self._actions: list[Callable[[], None]] = [
            self.kill_the_driver,
            self.delete_the_run_of_the_stream,
            self.terminate_the_stream,
            self.terminate_the_stream_by_force,
            self.launch_a_second_stream,
            self.set_a_cursor,
            *((self.freeze_the_webserver,) if is_long else ()),
            self.wipe_an_asset,
            self.switch_off,
            self.freeze_the_daemon,
            self.launch_nonsense,
            self.catch_up_twice,
            self.land_files,
            self.materialize_all,
        ]
        self._left: list[Callable[[], None]] = []

    def strike(self) -> None:
        """The next thing; all of them come before any comes again."""
        if not self._left:
            self._left = self._chance.sample(self._actions, len(self._actions))
        action = self._left.pop()
        self.done.say(action.__name__.replace("_", " "))
        action()

    def let_go(self, older_than: float) -> None:
        """Undo what has been switched off or frozen for so long."""
        now = time.time()
        for name in [name for name, since in self.done.off.items() if now - since >= older_than]:
            switch(self._up, name, on=True)
            del self.done.off[name]
            self.done.say(f"{name} is on again")
        for pid in [pid for pid, since in self.done.frozen.items() if now - since >= older_than]:
            with suppress(psutil.Error):
                psutil.Process(pid).send_signal(signal.SIGCONT)
            del self.done.frozen[pid]
            self.done.say(f"process {pid} goes on")

    def kill_the_driver(self) -> None:
        for process in drivers(self._up):
            with suppress(psutil.Error):
                process.kill()

    def delete_the_run_of_the_stream(self) -> None:
        for run in self._stream_runs():
            delete_run(self._up, run)

    def terminate_the_stream(self) -> None:
        for run in self._stream_runs():
            terminate(self._up, run)

    def terminate_the_stream_by_force(self) -> None:
        for run in self._stream_runs():
            terminate(self._up, run, by_force=True)

    def launch_a_second_stream(self) -> None:
        launch_job(self._up, "spark_stream")

    def wipe_an_asset(self) -> None:
        wipe(self._up, self._chance.choice([*REPORTED, *REFRESHED, "checks_reported"]))

    def set_a_cursor(self) -> None:
        sensor = self._chance.choice(
            ["ingest_progress", "event_check_results", "alerts", "spark_stream_supervisor"]
        )
        set_cursor(
            self._up, sensor, self._chance.choice([None, "garbage", "[]", '{"batch_id": 1000000000000}'])
        )

    def switch_off(self) -> None:
        name = self._chance.choice(SWITCHED)
        if name not in self.done.off:
            switch(self._up, name, on=False)
            self.done.off[name] = time.time()
            self.done.say(f"{name} is off")

    def freeze_the_daemon(self) -> None:
        pid = self._up.child("dagster._daemon")
        psutil.Process(pid).send_signal(signal.SIGSTOP)
        self.done.frozen[pid] = time.time()

    def freeze_the_webserver(self) -> None:
        pid = self._up.child("dagster_webserver")
        psutil.Process(pid).send_signal(signal.SIGSTOP)
        until(lambda: not psutil.pid_exists(pid), "up ends and restarts it", WEBSERVER_LIMIT)
        until(self._up.webserver_answers, "the webserver is back")

    def launch_nonsense(self) -> None:
        asset, step, config = self._chance.choice(
            [
                ("event_files", "event_files", {"events": 10_000_001}),
                ("event_files", "event_files", {"events": None}),
                ("events", "catch_up", {"timeout_seconds": -1.0}),
                ("sessions", "refresh_summaries", {"mode": "rebuild", "day": "9999-12-31"}),
            ]
        )
        launch(self._up, asset, config={"ops": {step: {"config": config}}})

    def catch_up_twice(self) -> None:
        for _ in range(2):
            launch(self._up, "events", "rejected_events")

    def land_files(self) -> None:
        launch(self._up, "event_files")

    def materialize_all(self) -> None:
        nodes = ask(self._up, "{ assetNodes { assetKey { path } isMaterializable } }")["assetNodes"]
        launch(self._up, *(node["assetKey"]["path"][0] for node in nodes if node["isMaterializable"]))

    def _stream_runs(self) -> list[str]:
        return runs_of(self._up, "spark_stream", "STARTED", "STARTING", "QUEUED")


def drivers(up: Up) -> list[psutil.Process]:
    """The drivers of streams that live: the program itself, not what it started."""
    found = []
    for pid, command in up.processes().items():
        words = command.split()
        if str(STREAM_PROGRAM) in words and "python" in words[0]:
            with suppress(psutil.Error):
                process = psutil.Process(pid)
                parent = process.parent()
                if parent is None or str(STREAM_PROGRAM) not in parent.cmdline():
                    found.append(process)
    return found
