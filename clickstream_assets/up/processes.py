"""Child programs that must live: started, watched, restarted with back-off, ended with all their children.

Processes in general; `start` says which programs make up the stack.

Each program leads a session of its own, so that Ctrl-C in the terminal reaches this process alone and the order
of ending is ours; its process group holds its descendants. A watchdog ends the groups should this process be
killed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from clickstream_assets.up import watchdog

FIRST_PAUSE = 1.0  # seconds before a restart
LONGEST_PAUSE = 60.0  # seconds
STEADY_AFTER = 120.0  # seconds: a program that lived so long starts counting its failures anew
LOG_LIMIT = 20 * 2**20  # bytes; one older log is kept beside the current one


@dataclass(frozen=True)
class Program:
    """What to run: `command` in `directory` with exactly `environment`."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    directory: Path


def restart_pause(failures: int) -> float:
    """Seconds to wait before the next start after so many failures in a row."""
    return float(min(FIRST_PAUSE * 2 ** max(failures - 1, 0), LONGEST_PAUSE))


@dataclass
class _Child:
    program: Program
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    failures: int = 0
    due_at: float | None = None  # of the next start; None while it runs
    wanted: bool = True


class Children:
    """Runs programs until told otherwise. Not thread-safe; call `tick` every second or so.

    `announce` gets one sentence for each death and restart. `clock` is monotonic, in seconds.
    """

    def __init__(
        self, log_dir: Path, announce: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._log_dir = log_dir
        self._announce = announce
        self._clock = clock
        self._children: dict[str, _Child] = {}
        self._groups: set[int] = set()  # with possible survivors, also of dead leaders
        log_dir.mkdir(parents=True, exist_ok=True)
        self._watchdog = subprocess.Popen(
            [sys.executable, "-I", "-S", watchdog.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )

    @property
    def process_groups(self) -> set[int]:
        """All process groups that still have a process."""
        return watchdog.members_left(self._groups)

    def log_file(self, name: str) -> Path:
        return self._log_dir / f"{name}.log"

    def run(self, program: Program) -> None:
        """Start `program` and keep it running."""
        child = self._children[program.name] = _Child(program)
        self._start(child)

    def run_once(self, program: Program, seconds: float, hurry: Callable[[], bool]) -> int | None:
        """Run `program` to its end; its exit code, or None if `seconds` or `hurry` ended it."""
        child = self._children[program.name] = _Child(program)
        self._start(child)
        unfinished = self.wait_for_end({program.name}, seconds, hurry)
        code = None if unfinished or child.process is None else child.process.returncode
        self.kill(program.name)
        del self._children[program.name]
        return code

    def is_running(self, name: str) -> bool:
        child = self._children.get(name)
        return child is not None and child.process is not None and child.process.poll() is None

    def tick(self) -> None:
        """Look after the children once: note the dead, restart those that are due, cap the logs."""
        now = self._clock()
        for child in self._children.values():
            if not child.wanted:
                continue
            if child.process is not None and child.process.poll() is not None:
                code = child.process.returncode
                child.failures = 1 if now - child.started_at > STEADY_AFTER else child.failures + 1
                pause = restart_pause(child.failures)
                child.process, child.due_at = None, now + pause
                name = child.program.name
                self._announce(
                    f"{name} ended unexpectedly ({_ending(code)}); starting it again in {pause:g} s "
                    f"(its last words are in {self.log_file(name)})."
                )
            elif child.process is None and child.due_at is not None and now >= child.due_at:
                self._start(child)
            cap_log(self.log_file(child.program.name))
        gone = self._groups - self.process_groups
        for group in gone:
            self._tell_watchdog(f"-{group}")
        self._groups -= gone

    def restart(self, name: str, seconds: float) -> None:
        """End the leader of `name` within `seconds` and start it anew; its descendants are left alone."""
        program = self._children[name].program
        self.ask_to_end(name)
        self.wait_for_end({name}, seconds)
        self.kill(name)
        self.run(program)

    def ask_to_end(self, name: str) -> None:
        """SIGTERM to the leader alone; it is not restarted any more."""
        child = self._children.get(name)
        if child is not None:
            child.wanted = False
            if child.process is not None and child.process.poll() is None:
                child.process.terminate()

    def wait_for_end(
        self, names: set[str], seconds: float, hurry: Callable[[], bool] = lambda: False
    ) -> set[str]:
        """Wait until the leaders `names` have ended, up to `seconds` or until `hurry`; returns who has not."""
        deadline = self._clock() + seconds
        while (left := {name for name in names if self.is_running(name)}) and self._clock() < deadline:
            if hurry():
                break
            time.sleep(0.05)
        return left

    def kill(self, name: str) -> None:
        """SIGKILL to the leader."""
        child = self._children.get(name)
        if child is not None and child.process is not None:
            child.process.kill()
            child.process.wait()
            child.process = None

    def end_all(self, seconds: float, hurry: Callable[[], bool] = lambda: False) -> None:
        """End every process of every group: SIGTERM to all, and SIGKILL to what is left after `seconds`."""
        for child in self._children.values():
            child.wanted = False
        for number, limit in ((signal.SIGTERM, seconds), (signal.SIGKILL, 5.0)):
            for group in self.process_groups:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(group, number)
            deadline = self._clock() + limit
            while self._reap() and self._clock() < deadline:
                if number == signal.SIGTERM and hurry():
                    break
                time.sleep(0.05)
        assert self._watchdog.stdin is not None  # noqa: S101 - opened as a pipe
        with contextlib.suppress(OSError):
            self._watchdog.stdin.close()
        self._watchdog.wait()

    def _reap(self) -> set[int]:
        for child in self._children.values():
            if child.process is not None:
                child.process.poll()  # a zombie would count as a member of its group
        return self.process_groups

    def _start(self, child: _Child) -> None:
        name = child.program.name
        try:
            with _log(self.log_file(name)) as log:
                child.process = subprocess.Popen(
                    child.program.command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=dict(child.program.environment),
                    cwd=child.program.directory,
                    start_new_session=True,
                )
        except OSError as error:
            child.failures += 1
            child.due_at = self._clock() + restart_pause(child.failures)
            self._announce(f"{name} cannot be started: {error}.")
            return
        child.started_at, child.due_at = self._clock(), None
        self._groups.add(child.process.pid)
        self._tell_watchdog(f"+{child.process.pid}")

    def _tell_watchdog(self, line: str) -> None:
        assert self._watchdog.stdin is not None  # noqa: S101 - opened as a pipe
        with contextlib.suppress(OSError):  # it was killed: we go on without
            self._watchdog.stdin.write(f"{line}\n".encode())
            self._watchdog.stdin.flush()


def _ending(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"


def _log(file: Path) -> BinaryIO:
    cap_log(file)
    return file.open("ab")


def cap_log(file: Path, limit: int | None = None) -> bool:
    """Move a log that is too long aside. It is copied and cut, for the program keeps it open (to append)."""
    with contextlib.suppress(FileNotFoundError):
        if file.stat().st_size > (limit or LOG_LIMIT):
            shutil.copyfile(file, file.with_name(f"{file.name}.1"))
            os.truncate(file, 0)
            return True
    return False
