"""Discovery: which files of the events directory have stopped changing and are new.

Belongs here: listing the directory cheaply, again and again, and the decision that a file is complete. Does not
belong here: opening files (`inspection`) and the database (`manifest`).

Cost: an idle look is one `stat` a directory. A directory is listed when its modification time moved, and all
known files are looked at again every few seconds, since writing into a file in place does not touch its directory.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from spark.content import FileState

# A directory's modification time ticks with the kernel's clock (up to 10 ms): two changes may share one value.
CLOCK_TICK_NS = 20_000_000
SWEEP_SECONDS = 1.0  # between looks at every known file …
SWEEP_SHARE = 20  # … but at most 1/20 of the time, where there are very many


def is_hidden(name: bytes) -> bool:
    """Hidden names are unfinished work of their producers (and Spark's and Hadoop's convention)."""
    return name.startswith((b".", b"_"))


def path_text(path: bytes) -> str:
    """A path as the ledger shows it: UTF-8, other bytes as \\xNN."""
    return path.decode("utf-8", "backslashreplace")


@dataclass(frozen=True)
class Candidate:
    """A file to take: `path` is relative to the events directory."""

    path: bytes
    state: FileState
    problem: str | None = None  # why it cannot even be opened as a file


@dataclass
class _Pending:
    state: FileState
    since: float  # monotonic


@dataclass
class Discovery:
    """The state of watching one directory. `settle_seconds`: a file unchanged for so long is complete."""

    root: bytes
    settle_seconds: float
    _known: dict[bytes, FileState] = field(default_factory=dict)
    _pending: dict[bytes, _Pending] = field(default_factory=dict)
    _directories: dict[bytes, int] = field(default_factory=dict)  # modification time at the last listing
    _next_sweep: float = 0.0

    def settled(self) -> list[Candidate]:
        """The complete files that were not handed out before in this state, in the order they landed."""
        now = time.monotonic()
        sweep = now >= self._next_sweep
        if sweep:
            self._sweep()
            self._next_sweep = now + max(SWEEP_SECONDS, SWEEP_SHARE * (time.monotonic() - now))
        else:
            self._look_at_changed_directories()
        ready = self._take_settled(time.monotonic())
        return sorted(ready, key=lambda candidate: (candidate.state.changed_ns, candidate.path))

    def waiting(self) -> bool:
        """Whether some file has not settled yet."""
        return bool(self._pending)

    def forget(self, path: bytes) -> None:
        """Hand `path` out again at the next look: it changed while it was read."""
        self._known.pop(path, None)
        self._next_sweep = 0.0

    def sweep_now(self) -> None:
        """Look at every file at the next call."""
        self._next_sweep = 0.0

    def _sweep(self) -> None:
        seen: set[bytes] = set()
        directories = [b""]
        found: dict[bytes, int] = {}
        while directories:
            directory = directories.pop()
            for path, entry in self._list(directory, found):
                if entry.is_dir(follow_symlinks=False):
                    directories.append(path)
                else:
                    seen.add(path)
                    self._look(path, entry)
        self._directories = found
        for gone in [path for path in self._known if path not in seen]:
            del self._known[gone]
        for gone in [path for path in self._pending if path not in seen]:
            del self._pending[gone]

    def _look_at_changed_directories(self) -> None:
        for directory, modified_ns in list(self._directories.items()):
            try:
                if os.stat(os.path.join(self.root, directory)).st_mtime_ns == modified_ns:
                    continue
            except OSError:
                continue
            for path, entry in self._list(directory, self._directories):
                if entry.is_dir(follow_symlinks=False):
                    if path not in self._directories:
                        self._next_sweep = 0.0
                elif path not in self._known and path not in self._pending:
                    self._look(path, entry)
        for path, pending in list(self._pending.items()):
            self._look_again(path, pending)

    def _list(self, directory: bytes, found: dict[bytes, int]) -> Iterator[tuple[bytes, os.DirEntry[bytes]]]:
        """Visible entries of one directory; notes its modification time so that a change is seen."""
        full = os.path.join(self.root, directory) if directory else self.root
        try:
            modified_ns = os.stat(full).st_mtime_ns
            recent = abs(time.time_ns() - modified_ns) < CLOCK_TICK_NS
            found[directory] = -1 if recent else modified_ns
            with os.scandir(full) as entries:
                for entry in entries:
                    if not is_hidden(entry.name):
                        yield (os.path.join(directory, entry.name) if directory else entry.name), entry
        except FileNotFoundError:
            found.pop(directory, None)
        except PermissionError:
            found[directory] = -1

    def _look(self, path: bytes, entry: os.DirEntry[bytes]) -> None:
        try:
            state = FileState.of(entry.stat())
        except OSError:
            try:
                state = FileState.of(entry.stat(follow_symlinks=False))
            except OSError:
                return
        if self._known.get(path) == state:
            return
        pending = self._pending.get(path)
        if pending is None or pending.state != state:
            self._pending[path] = _Pending(state, time.monotonic())

    def _look_again(self, path: bytes, pending: _Pending) -> None:
        try:
            state = FileState.of(os.stat(os.path.join(self.root, path)))
        except OSError:
            try:
                state = FileState.of(os.lstat(os.path.join(self.root, path)))
            except OSError:
                del self._pending[path]
                return
        if state != pending.state:
            self._pending[path] = _Pending(state, time.monotonic())

    def _take_settled(self, now: float) -> list[Candidate]:
        ready = [
            path
            for path, pending in self._pending.items()
            if is_settled(pending.state, now - pending.since, time.time_ns(), self.settle_seconds)
        ]
        candidates = []
        for path in ready:
            state = self._pending.pop(path).state
            self._known[path] = state
            candidates.append(Candidate(path, state, _problem(os.path.join(self.root, path))))
        return candidates


def is_settled(state: FileState, unchanged_seconds: float, now_ns: int, settle_seconds: float) -> bool:
    """Whether a file that was watched unchanged for `unchanged_seconds` is complete.

    The kernel sets the change time, so a file last changed long ago need not be watched; where the clock was
    set back the change time lies ahead, and only watching counts.
    """
    return unchanged_seconds >= settle_seconds or now_ns - state.changed_ns >= settle_seconds * 1e9 > 0


def _problem(path: bytes) -> str | None:
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return "broken_link" if os.path.islink(path) else None
    except OSError:
        return "unreadable"
    return None if stat.S_ISREG(mode) else "not_a_file"
