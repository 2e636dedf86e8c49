"""What people do to a running Dagster, at random, by a seed."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import psutil
from dagster_graphql_client import ask, launch, switch
from lies import SWITCHED
from up_stack import Up

from clickstream_assets.paths import STREAM_PROGRAM


@dataclass
class Done:
    """What the hammer knows, since it did it."""

    log: list[str] = field(default_factory=list)
    off: dict[str, float] = field(default_factory=dict)  # sensors that are switched off, since when
    frozen: dict[int, float] = field(default_factory=dict)  # processes that are stopped, since when

    def say(self, what: str) -> None:
        self.log.append(f"{time.strftime('%H:%M:%S')} {what}")


class Hammer:
    """Does one thing at a time, at random, by a seed."""

    def __init__(self, up: Up, seed: int) -> None:
        self._up = up
        self._chance = random.Random(seed)
        self.done = Done()
        self._actions: list[Callable[[], None]] = [
            self.kill_the_driver,
            self.delete_the_run_of_the_stream,
            self.terminate_the_stream,
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
            ask(self._up, "mutation($run: String!) { deleteRun(runId: $run) { __typename } }", run=run)

    def terminate_the_stream(self) -> None:
        for run in self._stream_runs():
            ask(self._up, "mutation($run: String!) { terminateRun(runId: $run) { __typename } }", run=run)

    def wipe_an_asset(self) -> None:
        asset = self._chance.choice(["events", "rejected_events", "event_files", "hourly_traffic"])
        wipe = """mutation($ranges: [PartitionsByAssetSelector!]!) {
            wipeAssets(assetPartitionRanges: $ranges) { __typename } }"""
        ask(self._up, wipe, ranges=[{"assetKey": {"path": [asset]}}])

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
        query = """{ runsOrError(filter: {pipelineName: "spark_stream", statuses: [STARTED, STARTING, QUEUED]}) {
            ... on Runs { results { runId } } } }"""
        return [run["runId"] for run in ask(self._up, query)["runsOrError"]["results"]]


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
