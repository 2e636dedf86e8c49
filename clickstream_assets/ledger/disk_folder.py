"""One directory below the events directory, remembered from look to look.

It says which of its entries are event files, and in which state each was seen. `disk_view` walks over all of them.

A listing counts for as long as the directory's own times stand still: they move when a name comes, goes or is another
file. They tick with a clock, so a directory that changed a moment ago is listed again; so is one that was listed long
ago, whatever its times say. A listing looks at names and inodes; only what is new is asked for its state.

A state is bytes, as there may be a million: inode, size, modification and change time, eight bytes each; or the inode
alone, where nobody has looked at the file yet.
"""

from __future__ import annotations

import os
import stat
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from clickstream_assets.file_names import EventsDirectory, is_ignored, leads_outside, signed_inode

FRESH_NS = (
    2_000_000_000  # a directory's times that are younger may hide a change: some file systems tick by seconds
)
LISTING_LASTS = 60.0  # seconds that a listing counts at most

_STATE = struct.Struct("<Qqqq")
_CONTENT = struct.Struct("<Qqq")
_INODE = struct.Struct("<Q")
_INODE_MASK = (1 << 64) - 1  # the ledger's are signed


def measured(status: os.stat_result) -> bytes:
    """The state of a file that was looked at."""
    return _STATE.pack(status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def parts_of(state: bytes) -> tuple[int, int, int, int]:
    """Inode, as the ledger has it, size in bytes, modification and change time in nanoseconds since 1970, of a file
    that was looked at."""
    inode, *others = _STATE.unpack(state)
    return (signed_inode(inode), *others)


def is_measured(state: bytes) -> bool:
    return len(state) == _STATE.size


def has_content(state: bytes, inode: int, size_bytes: int, modified_ns: int) -> bool:
    """Whether this is what the state says of a file, as far as it says anything; `inode` is the ledger's."""
    inode &= _INODE_MASK
    if len(state) == _INODE.size:
        return state == _INODE.pack(inode)
    return state[: _CONTENT.size] == _CONTENT.pack(inode, size_bytes, modified_ns)


@dataclass
class Changes:
    """What a look at the disk found. Files by path, as the system has it, with their last state before: None where
    there was none."""

    changed: dict[str, bytes | None] = field(default_factory=dict)
    gone: dict[str, bytes] = field(default_factory=dict)
    unseen: dict[str, None] = field(default_factory=dict)  # new ones that are listed, and not looked at

    def note(self, path: str, before: bytes | None) -> None:
        """The file is there, in another state. What was known before this look is kept."""
        self.changed.setdefault(path, None if path in self.unseen else before)

    def note_new(self, paths: dict[str, None]) -> None:
        self.unseen = self.unseen | paths if self.unseen else paths

    def note_gone(self, path: str, before: bytes) -> None:
        first = self.changed.pop(path, before)
        self.unseen.pop(path, None)
        self.gone.setdefault(path, before if first is None else first)


@dataclass
class Folder:
    """`prefix` is the directory below the events directory: empty, or with a slash at its end."""

    root: EventsDirectory
    prefix: str
    states: dict[str, bytes] = field(default_factory=dict)  # by name
    folders: list[str] = field(default_factory=list)  # names of the directories in it
    ignored: list[str] = field(default_factory=list)  # by their names; a directory ends with a slash
    is_unlistable: bool = False
    _links: set[str] = field(default_factory=set)  # names of all links, also of those that lead nowhere
    _stamp: tuple[int, ...] | None = None  # the directory's times at a listing that counts
    _listed_at: float = 0.0  # monotonic

    @property
    def path(self) -> str:
        return f"{self.root.path}/{self.prefix}"

    def look(self, changes: Changes) -> bool:
        """List the directory if that is needed. Returns False where it is no longer there."""
        try:
            status = os.stat(self.path)  # noqa: PTH116 (a look may be at very many)
            stamp = (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_ctime_ns)
            if stamp != self._stamp or time.monotonic() - self._listed_at > LISTING_LASTS:
                self._list(changes)
                age = time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns)
                self._stamp = stamp if age > FRESH_NS else None
                self._listed_at = time.monotonic()
                self.is_unlistable = False
        except FileNotFoundError:
            self.clear(changes)
            return False
        except OSError:
            self.clear(changes)
            self.is_unlistable = True
        for name in self._links:
            self._look_at_link(name, changes)
        return True

    def clear(self, changes: Changes) -> None:
        """Forget everything: nothing of it can be seen any more."""
        for name, state in self.states.items():
            changes.note_gone(self.prefix + name, state)
        self.states.clear()
        self.folders, self.ignored, self._stamp = [], [], None
        self._links.clear()

    def measure(self, names: Iterable[str], changes: Changes, until: float) -> int:
        """Look at files until the monotonic clock says `until`. Returns how many were looked at."""
        done = 0
        try:
            folder = os.open(self.path, os.O_RDONLY)
        except OSError:
            return 0
        try:
            for name in names:
                self._measure(name, folder, changes)
                done += 1
                if not done % 256 and time.monotonic() > until:
                    break
        finally:
            os.close(folder)
        return done

    def _measure(self, name: str, folder: int, changes: Changes) -> None:
        before = self.states.get(name)
        if before is None or name in self._links:  # gone since, or looked at every time
            return
        try:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except OSError:
            return  # gone: the next listing says so
        state = measured(status)
        if state != before and stat.S_ISREG(status.st_mode):
            self.states[name] = state
            changes.note(self.prefix + name, before)

    def _list(self, changes: Changes) -> None:
        states, links, known_links = self.states, set(), self._links
        had = set(states)  # a directory's first listing, of a million perhaps, asks for nothing else
        ignores = self.root.ignores if self.root.unfinished else is_ignored
        new: list[str] = []
        kept: list[str] = []  # of those that were there
        self.folders, self.ignored = [], []
        with os.scandir(self.path) as entries:
            for entry in entries:
                name = entry.name
                before = states.get(name) if had else None
                if (
                    before is not None
                    and name not in known_links
                    and before.startswith(_INODE.pack(entry.inode()))
                ):
                    kept.append(name)
                    continue
                if ignores(name):
                    self.ignored.append(name + "/" * entry.is_dir(follow_symlinks=False))
                elif entry.is_file(follow_symlinks=False):
                    states[name] = _INODE.pack(entry.inode())
                    new.append(name)
                    if before is not None:
                        kept.append(name)
                        changes.note(self.prefix + name, before)
                elif entry.is_symlink():
                    links.add(name)
                    if before is not None:
                        kept.append(name)
                elif entry.is_dir(follow_symlinks=False):
                    self.folders.append(name)
        self._links = links
        changes.note_new(dict.fromkeys([self.prefix + name for name in new] if self.prefix else new))
        if len(kept) < len(had):
            for name in had.difference(kept):
                changes.note_gone(self.prefix + name, states.pop(name))

    def _look_at_link(self, name: str, changes: Changes) -> None:
        """The file that it leads to may change, come and go while nothing here does."""
        before, state = self.states.get(name), self._state_of_link(name)
        if state == before:
            return
        if state is not None:
            self.states[name] = state
            changes.note(self.prefix + name, before)
        elif before is not None:
            changes.note_gone(self.prefix + name, self.states.pop(name))

    def _state_of_link(self, name: str) -> bytes | None:
        """That of a file; None for a directory, and for what leads nowhere."""
        full = self.path + name
        try:
            status = os.stat(full)  # noqa: PTH116
            if not stat.S_ISREG(status.st_mode):
                return None
            if not self.root.follow_links and leads_outside(os.fsencode(full), os.fsencode(self.root.path)):
                status = os.lstat(full)
        except OSError:
            return None
        return measured(status)
