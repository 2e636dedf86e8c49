"""Supervision of child programs, with tiny Python children. Guards against orphans above all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clickstream_assets.paths import PROJECT_ROOT
from clickstream_assets.up import processes
from clickstream_assets.up.processes import Children, Program, restart_pause

LIMIT = 20.0  # seconds; a busy machine starts Python slowly
SLEEPER = "import time; print('up', flush=True); time.sleep(600)"
# Ends on SIGTERM only by force, and has a child that does as well.
STUBBORN_FAMILY = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = "import signal, time; signal.signal(15, signal.SIG_IGN); print('child', flush=True); time.sleep(600)"
subprocess.Popen([sys.executable, "-S", "-c", child])
time.sleep(600)
"""


def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline, f"not within {LIMIT} s: {what}"
        time.sleep(0.02)


def group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


class Stage:
    """Children with a clock of its own, and what it announced."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = 1000.0
        self.said: list[str] = []
        self.children = Children(path / "logs", self.said.append, lambda: self.now)

    def program(self, code: str, name: str = "worker") -> Program:
        return Program(name, (sys.executable, "-S", "-c", code), dict(os.environ), self.path)

    def log(self, name: str = "worker") -> str:
        file = self.children.log_file(name)
        return file.read_text() if file.exists() else ""


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    stage.children._clock = time.monotonic
    stage.children.end_all(0.0)


def test_the_pause_doubles_up_to_a_minute() -> None:
    assert [restart_pause(n) for n in (1, 2, 3, 4, 7, 50)] == [1, 2, 4, 8, 60, 60]


def test_a_program_that_dies_is_started_again_after_the_pause_and_not_before(stage: Stage) -> None:
    stage.children.run(stage.program(SLEEPER))
    until(lambda: "up" in stage.log(), "the first start")
    (first,) = stage.children.process_groups
    os.kill(first, signal.SIGKILL)
    until(lambda: not stage.children.is_running("worker"), "the death is seen")

    stage.children.tick()
    assert stage.said == [
        "worker ended unexpectedly (killed by SIGKILL); starting it again in 1 s "
        f"(its last words are in {stage.children.log_file('worker')})."
    ]
    stage.now += 0.9
    stage.children.tick()
    assert not stage.children.is_running("worker")

    stage.now += 0.2
    stage.children.tick()
    until(lambda: stage.log().count("up") == 2, "the second start")
    assert stage.children.process_groups.isdisjoint({first})


def test_a_program_that_keeps_failing_is_tried_ever_more_rarely(stage: Stage) -> None:
    stage.children.run(stage.program("raise SystemExit(7)"))
    for expected in ("1 s", "2 s", "4 s"):
        until(lambda: not stage.children.is_running("worker"), "it fails")
        stage.children.tick()
        assert f"(exit code 7); starting it again in {expected}" in stage.said[-1]
        stage.now += 5.0
        stage.children.tick()


def test_failures_long_ago_are_forgotten(stage: Stage) -> None:
    stage.children.run(stage.program("raise SystemExit(7)"))
    for _ in range(3):
        until(lambda: not stage.children.is_running("worker"), "it fails")
        stage.children.tick()
        stage.now += processes.STEADY_AFTER + 1
        stage.children.tick()
        stage.now += processes.STEADY_AFTER + 1
    assert all("again in 1 s" in sentence for sentence in stage.said)


def test_a_program_that_does_not_exist_is_announced_and_tried_again(stage: Stage) -> None:
    stage.children.run(Program("ghost", ("/nonexistent/program",), {}, stage.path))
    assert "ghost cannot be started" in stage.said[0]
    stage.now += 2.0
    stage.children.tick()
    assert len(stage.said) == 2


def test_a_program_that_was_asked_to_end_stays_down(stage: Stage) -> None:
    stage.children.run(stage.program(SLEEPER))
    until(lambda: "up" in stage.log(), "the start")
    stage.children.ask_to_end("worker")
    until(lambda: not stage.children.is_running("worker"), "it ends")
    stage.now += 1000.0
    stage.children.tick()
    stage.now += 1000.0
    stage.children.tick()
    assert not stage.children.is_running("worker")
    assert stage.said == []


def test_the_end_takes_children_of_children_along_even_those_that_ignore_it(stage: Stage) -> None:
    stage.children.run(stage.program(STUBBORN_FAMILY))
    until(lambda: "child" in stage.log(), "the grandchild")
    (group,) = stage.children.process_groups
    stage.children._clock = time.monotonic
    stage.children.end_all(0.2)
    until(lambda: not group_lives(group), "the end of the whole group")


def test_descendants_of_a_dead_leader_are_still_ended(stage: Stage) -> None:
    stage.children.run(stage.program(STUBBORN_FAMILY))
    until(lambda: "child" in stage.log(), "the grandchild")
    (group,) = stage.children.process_groups
    os.kill(group, signal.SIGKILL)
    until(lambda: not stage.children.is_running("worker"), "the leader's death")
    stage.children.tick()
    assert stage.children.process_groups == {group}
    stage.children._clock = time.monotonic
    stage.children.end_all(0.2)
    until(lambda: not group_lives(group), "the end of the whole group")


def test_nothing_outlives_a_parent_that_was_killed(tmp_path: Path) -> None:
    parent = f"""
import os, sys, time
from pathlib import Path
from clickstream_assets.up import watchdog
from clickstream_assets.up.processes import Program, Children
children = Children(Path({str(tmp_path)!r}), print)
children.run(Program("worker", (sys.executable, "-S", "-c", {SLEEPER!r}), dict(os.environ), Path("/")))
print(children.process_groups, flush=True)
time.sleep(600)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True, cwd=PROJECT_ROOT
    )
    assert process.stdout is not None
    with process.stdout:
        (group,) = eval(process.stdout.readline())  # noqa: S307 - a set of numbers, printed above
    until(lambda: "up" in (tmp_path / "worker.log").read_text(), "the worker")
    process.kill()
    process.wait()
    until(lambda: not group_lives(group), "the watchdog ends the worker")


def test_a_single_run_gives_its_exit_code(stage: Stage) -> None:
    stage.children._clock = time.monotonic
    assert stage.children.run_once(stage.program("print('done'); raise SystemExit(3)"), LIMIT, bool) == 3
    assert "done" in stage.log()


def test_a_single_run_ends_when_one_is_in_a_hurry(stage: Stage) -> None:
    stage.children._clock = time.monotonic
    assert stage.children.run_once(stage.program(SLEEPER), LIMIT, lambda: True) is None
    assert not stage.children.is_running("worker")


def test_a_log_that_grows_too_long_moves_aside_while_it_is_written(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "LOG_LIMIT", 1000)
    code = "import sys\nprint('a' * 2000, flush=True)\nsys.stdin.close()\nimport time\n"
    code += f"open({str(stage.path / 'wrote')!r}, 'w')\n"
    code += f"import os\nwhile not os.path.exists({str(stage.path / 'go')!r}): time.sleep(0.02)\n"
    code += "print('later', flush=True)\ntime.sleep(600)"
    stage.children.run(stage.program(code))
    until((stage.path / "wrote").exists, "the first lines")
    stage.children.tick()
    (stage.path / "go").touch()
    until(lambda: stage.log() == "later\n", "the log goes on, cut")
    assert (stage.path / "logs" / "worker.log.1").read_text() == "a" * 2000 + "\n"
