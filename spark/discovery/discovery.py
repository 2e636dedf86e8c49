"""Discovery: which files of the events directory have stopped changing and are new.

It looks again and again. `folders` lists what may have changed, `entries` looks at one entry, `settling` says when a
file is complete, `file_names` which names are read.

A file is complete when it has not changed for a while, and for a much longer one where its last line has no end: a
producer may have paused in the middle of it.

All known files are looked at again every few seconds, since writing into a file in place does not touch its directory.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from clickstream_assets.file_names import FileState, is_ignored
from spark.discovery.candidate import Candidate
from spark.discovery.entries import Entries
from spark.discovery.folders import Folders
from spark.discovery.settling import Pending, is_settled
from spark.discovery.unread import Unread
from spark.outage import sentence_about

SWEEP_SECONDS = 1.0  # between looks at every known file …
SWEEP_SHARE = 20  # … but at most 1/20 of the time, where there are very many


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
    _known: dict[bytes, FileState] = field(default_factory=dict)
    _pending: dict[bytes, Pending] = field(default_factory=dict)
    _next_sweep: float = 0.0
    _away: Unread = field(default_factory=Unread)  # what could not be looked at, at the last look
    _unread: Unread = field(default_factory=Unread)  # what could not be read

    def __post_init__(self) -> None:
        self._entries = Entries(self.root, self.follow_links)
        self._folders = Folders(self.root, self.ignores, self._away)

    @property
    def ignored(self) -> list[bytes]:
        """What is left alone because of its name, at the last look at every file."""
        return self._folders.ignored

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
        state = self._entries.state(path)
        return None if state is None else Candidate(path, state, self._entries.problem(path))

    def hold(self, candidate: Candidate) -> None:
        """Hand `candidate` out again once it is no longer young: its last line has no end."""
        self._known.pop(candidate.path, None)
        self._pending[candidate.path] = self._unterminated(candidate.state, time.monotonic())

    def put_back(self, candidate: Candidate, error: OSError, *, is_aside: bool = False) -> None:
        """Hand `candidate` out again after a pause: it could not be read. `is_aside`: nobody waits for it any more."""
        pause = self._unread.failed(candidate.path, sentence_about(error), is_aside=is_aside)
        self._known.pop(candidate.path, None)
        now = time.monotonic()
        self._pending[candidate.path] = Pending(candidate.state, now, 0.0, not_before=now + pause)

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
        self._away.begin_round()
        for path, entry in self._folders.all_files():
            seen.add(path)
            self._look(path, entry)
        self._away.end_round()
        for gone in [path for path in self._known if path not in seen]:
            del self._known[gone]
        for gone in [path for path in self._pending if path not in seen]:
            del self._pending[gone]
        self._unread.keep(seen)

    def _look_at_changed_directories(self) -> None:
        for path, entry in self._folders.files_of_changed():
            if path not in self._known and path not in self._pending:
                self._look(path, entry)
        if self._folders.has_new_one:
            self._next_sweep = 0.0
        for path, pending in list(self._pending.items()):
            self._look_again(path, pending)

    def _look(self, path: bytes, entry: os.DirEntry[bytes]) -> None:
        try:
            state = self._entries.state_listed(path, entry)
        except OSError as error:
            self._away.failed(path, sentence_about(error))
            return
        if state is None or self._known.get(path) == state:
            return
        pending = self._pending.get(path)
        if pending is None or pending.state != state:
            self._pending[path] = self._changed(state, pending)

    def _look_again(self, path: bytes, pending: Pending) -> None:
        try:
            state = self._entries.state(path)
        except OSError as error:
            self._away.failed(path, sentence_about(error))
            return
        if state is None:
            del self._pending[path]
        elif state != pending.state:
            self._pending[path] = self._changed(state, pending)

    def _changed(self, state: FileState, before: Pending | None) -> Pending:
        # Looking for the end of what is being written costs more than a look at its state.
        seconds = max(self.settle_seconds, 1.0) if before and before.is_unterminated else self.settle_seconds
        return Pending(state, time.monotonic(), seconds)

    def _unterminated(self, state: FileState, since: float) -> Pending:
        return Pending(state, since, self.unterminated_seconds, is_unterminated=True)

    def _take_settled(self, now: float) -> list[Candidate]:
        now_ns = time.time_ns()
        candidates = []
        for path, pending in list(self._pending.items()):
            if now < pending.not_before or path in self._away:
                continue
            unchanged = now - pending.since
            if not is_settled(pending.state, unchanged, now_ns, pending.seconds):
                continue
            try:
                problem = self._entries.problem(path)
            except OSError as error:
                self._away.failed(path, sentence_about(error))
                continue
            is_young = not is_settled(pending.state, unchanged, now_ns, self.unterminated_seconds)
            if is_young and problem is None and self._entries.ends_within_line(path):
                self._pending[path] = self._unterminated(pending.state, pending.since)
                continue
            del self._pending[path]
            self._known[path] = pending.state
            candidates.append(Candidate(path, pending.state, problem, is_young))
        return candidates
