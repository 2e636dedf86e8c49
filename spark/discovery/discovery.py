"""Discovery: which files of the events directory have stopped changing and are new.

It lists the directory cheaply, again and again, and decides when a file is complete. `inspection` reads the files,
`manifest` has the database, `file_names` says which names are read.

A file is complete when it has not changed for a while, and for a much longer one where its last line has no end: a
producer may have paused in the middle of it.

Cost: an idle look is one `stat` a directory. A directory is listed when its modification time moved, and all
known files are looked at again every few seconds, since writing into a file in place does not touch its directory.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from clickstream_assets.file_names import FileState, is_ignored, leads_outside
from clickstream_assets.outages.errors import passes
from spark.discovery.unread import Unread
from spark.outage import sentence_about
from spark.reading.content import Content, ContentChanged, ContentError

# A directory's modification time ticks with the kernel's clock (up to 10 ms): two changes may share one value.
CLOCK_TICK_NS = 20_000_000
SWEEP_SECONDS = 1.0  # between looks at every known file …
SWEEP_SHARE = 20  # … but at most 1/20 of the time, where there are very many

# Why an entry cannot be opened as a file, and the sentence about it.
PROBLEMS = {
    "broken_link": "It is a link that leads nowhere.",
    "link_outside": "It is a link that leads out of the events directory; CLICKSTREAM_FOLLOW_LINKS=1 follows such.",
    "not_a_file": "It is no regular file.",
    "unreadable": "It cannot be looked at.",
}


@dataclass(frozen=True)
class Candidate:
    """A file to take: `path` is relative to the events directory."""

    path: bytes
    state: FileState
    problem: str | None = None  # why it cannot even be opened as a file
    is_young: bool = False  # its last line might still get an end


@dataclass
class _Pending:
    state: FileState
    since: float  # monotonic
    seconds: float  # to rest
    is_unterminated: bool = False
    not_before: float = 0.0  # monotonic: it could not be read


@dataclass
class Discovery:
    """The state of watching one directory.

    `settle_seconds`: a file unchanged for so long is complete; `unterminated_seconds`: so is one whose last line has no
    end. `follow_links`: also out of the directory.
    """

    root: bytes
    settle_seconds: float
    unterminated_seconds: float = 0.0
    follow_links: bool = False
    ignores: Callable[[bytes], bool] = is_ignored  # a name
    ignored: list[bytes] = field(default_factory=list)  # by their names, at the last look at every file
    _known: dict[bytes, FileState] = field(default_factory=dict)
    _pending: dict[bytes, _Pending] = field(default_factory=dict)
    _directories: dict[bytes, int] = field(default_factory=dict)  # modification time at the last listing
    _next_sweep: float = 0.0
    _away: Unread = field(default_factory=Unread)  # what could not be looked at, at the last look
    _unread: Unread = field(default_factory=Unread)  # what could not be read

    def trouble(self) -> str | None:
        """Why something cannot be read at present that all wait for; one sentence of perhaps several."""
        return self._away.trouble() or self._unread.trouble()

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
        """Whether some file has not settled yet. For what is set aside nobody waits."""
        return any(not self._unread.is_aside(path) for path in self._pending)

    def unterminated(self) -> list[bytes]:
        """The files that wait for the end of their last line."""
        return [path for path, pending in self._pending.items() if pending.is_unterminated]

    def candidate(self, path: bytes) -> Candidate | None:
        """A file as it is now, whatever was handed out before; None where it is not there."""
        full = os.path.join(self.root, path)
        state = self._state_of_link(path) if os.path.islink(full) else _state(lambda: os.lstat(full))
        return None if state is None else Candidate(path, state, self._problem(full))

    def hold(self, candidate: Candidate) -> None:
        """Hand `candidate` out again once it is no longer young: its last line has no end."""
        self._known.pop(candidate.path, None)
        self._pending[candidate.path] = self._unterminated(candidate.state, time.monotonic())

    def put_back(self, candidate: Candidate, error: OSError, *, is_aside: bool = False) -> None:
        """Hand `candidate` out again after a pause: it could not be read. `is_aside`: nobody waits for it any more."""
        pause = self._unread.failed(candidate.path, sentence_about(error), is_aside=is_aside)
        self._known.pop(candidate.path, None)
        now = time.monotonic()
        self._pending[candidate.path] = _Pending(candidate.state, now, 0.0, not_before=now + pause)

    def unread_seconds(self, path: bytes) -> float:
        """For how long a file could not be read."""
        return self._unread.lasts(path)

    def set_aside_what_is_away(self, seconds: float) -> list[bytes]:
        """Nobody waits any more for what could not even be looked at for so long; returns what is new among it."""
        return self._away.set_aside_after(seconds)

    def was_read(self, path: bytes) -> None:
        self._unread.was_read(path)

    def start_over(self) -> None:
        """Hand everything out again at the next look: the ledger says what is known."""
        self._known.clear()
        self._next_sweep = 0.0

    def forget(self, path: bytes) -> None:
        """Hand `path` out again at the next look: it changed while it was read."""
        self._known.pop(path, None)
        self._next_sweep = 0.0

    def hand_out_again(self, candidates: Sequence[Candidate]) -> None:
        """Hand `candidates` out again at the next look: nothing came of them."""
        for candidate in candidates:
            self._known.pop(candidate.path, None)
        self._next_sweep = 0.0

    def sweep_now(self) -> None:
        """Look at every file at the next call."""
        self._next_sweep = 0.0

    def _sweep(self) -> None:
        seen: set[bytes] = set()
        directories = [b""]
        found: dict[bytes, int] = {}
        self.ignored = []
        self._away.begin_round()
        while directories:
            directory = directories.pop()
            for path, entry in self._list(directory, found):
                if self.ignores(entry.name):
                    self.ignored.append(path)
                elif entry.is_dir(follow_symlinks=False):
                    directories.append(path)
                else:
                    seen.add(path)
                    self._look(path, entry)
        self._away.end_round()
        self._directories = found
        for gone in [path for path in self._known if path not in seen]:
            del self._known[gone]
        for gone in [path for path in self._pending if path not in seen]:
            del self._pending[gone]
        self._unread.keep(seen)

    def _look_at_changed_directories(self) -> None:
        for directory, modified_ns in list(self._directories.items()):
            try:
                if os.stat(os.path.join(self.root, directory)).st_mtime_ns == modified_ns:
                    continue
            except OSError:
                continue
            for path, entry in self._list(directory, self._directories):
                if self.ignores(entry.name):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if path not in self._directories:
                        self._next_sweep = 0.0
                elif path not in self._known and path not in self._pending:
                    self._look(path, entry)
        for path, pending in list(self._pending.items()):
            self._look_again(path, pending)

    def _list(self, directory: bytes, found: dict[bytes, int]) -> Iterator[tuple[bytes, os.DirEntry[bytes]]]:
        """The entries of one directory; notes its modification time so that a change is seen."""
        full = os.path.join(self.root, directory) if directory else self.root
        try:
            modified_ns = os.stat(full).st_mtime_ns
            recent = abs(time.time_ns() - modified_ns) < CLOCK_TICK_NS
            found[directory] = -1 if recent else modified_ns
            with os.scandir(full) as entries:
                for entry in entries:
                    yield (os.path.join(directory, entry.name) if directory else entry.name), entry
        except OSError as error:
            if not directory:  # without it there is nothing
                raise
            if isinstance(error, FileNotFoundError | NotADirectoryError):
                found.pop(directory, None)
                return
            # One that may not be listed, or lies too deep, keeps nobody else waiting; `clickstream status` names it.
            found[directory] = -1
            if passes(error):
                self._away.failed(directory, sentence_about(error))

    def _look(self, path: bytes, entry: os.DirEntry[bytes]) -> None:
        try:
            state = self._state_of_link(path) if entry.is_symlink() else _state(entry.stat)
        except OSError as error:
            self._away.failed(path, sentence_about(error))
            return
        if state is None or self._known.get(path) == state:
            return
        pending = self._pending.get(path)
        if pending is None or pending.state != state:
            self._pending[path] = self._changed(state, pending)

    def _look_again(self, path: bytes, pending: _Pending) -> None:
        full = os.path.join(self.root, path)
        try:
            state = self._state_of_link(path) if os.path.islink(full) else _state(lambda: os.lstat(full))
        except OSError as error:
            self._away.failed(path, sentence_about(error))
            return
        if state is None:
            del self._pending[path]
        elif state != pending.state:
            self._pending[path] = self._changed(state, pending)

    def _state_of_link(self, path: bytes) -> FileState | None:
        """That of the file it leads to. What is not read is not looked at, either: the link stands for itself."""
        full = os.path.join(self.root, path)
        if not self._leads_outside(full):
            state = _state(lambda: os.stat(full))
            if state is not None:
                return state
        return _state(lambda: os.lstat(full))

    def _changed(self, state: FileState, before: _Pending | None) -> _Pending:
        # Looking for the end of what is being written costs more than a look at its state.
        seconds = max(self.settle_seconds, 1.0) if before and before.is_unterminated else self.settle_seconds
        return _Pending(state, time.monotonic(), seconds)

    def _unterminated(self, state: FileState, since: float) -> _Pending:
        return _Pending(state, since, self.unterminated_seconds, is_unterminated=True)

    def _take_settled(self, now: float) -> list[Candidate]:
        now_ns = time.time_ns()
        candidates = []
        for path, pending in list(self._pending.items()):
            if now < pending.not_before or path in self._away:
                continue
            unchanged = now - pending.since
            if not is_settled(pending.state, unchanged, now_ns, pending.seconds):
                continue
            full = os.path.join(self.root, path)
            try:
                problem = self._problem(full)
            except OSError as error:
                self._away.failed(path, sentence_about(error))
                continue
            is_young = not is_settled(pending.state, unchanged, now_ns, self.unterminated_seconds)
            if is_young and problem is None and _ends_within_line(full):
                self._pending[path] = self._unterminated(pending.state, pending.since)
                continue
            del self._pending[path]
            self._known[path] = pending.state
            candidates.append(Candidate(path, pending.state, problem, is_young))
        return candidates

    def _problem(self, full: bytes) -> str | None:
        if os.path.islink(full) and self._leads_outside(full):
            return "link_outside"
        try:
            mode = os.stat(full).st_mode
        except FileNotFoundError:
            return "broken_link" if os.path.islink(full) else None
        except OSError as error:
            if passes(error):
                raise
            return "unreadable"
        return None if stat.S_ISREG(mode) else "not_a_file"

    def _leads_outside(self, full: bytes) -> bool:
        return not self.follow_links and leads_outside(full, self.root)


def is_settled(state: FileState, unchanged_seconds: float, now_ns: int, settle_seconds: float) -> bool:
    """Whether a file that was watched unchanged for `unchanged_seconds` is complete.

    The kernel sets the change time, so a file last changed long ago need not be watched; where the clock was
    set back the change time lies ahead, and only watching counts.
    """
    return unchanged_seconds >= settle_seconds or now_ns - state.changed_ns >= settle_seconds * 1e9 > 0


def _state(look: Callable[[], os.stat_result]) -> FileState | None:
    """None of what is gone. Raises OSError of what is away for a while."""
    try:
        return FileState.of(look())
    except OSError as error:
        if passes(error):
            raise
        return None


def _ends_within_line(path: bytes) -> bool:
    """Whether the last line of a file has no end, as far as that can be told without reading all of it."""
    try:
        with Content(path) as content:
            return content.ends_within_line()
    except (ContentError, ContentChanged, OSError):  # whoever reads it will say so
        return False
