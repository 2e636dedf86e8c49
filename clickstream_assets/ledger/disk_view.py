"""The event files on disk: what there is, and what has changed since the last look.

It walks over the events directory, and looks at files within the time that a look may take.

New files are looked at first; of very many, those that the ledger does not know (`look_first`). What time is left goes
round over all others: writing into a file in place moves nothing
that a listing shows. Of some hundred thousand files every look sees all, of a million each is seen within a minute.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from clickstream_assets.file_names import EventsDirectory, ledger_path
from clickstream_assets.ledger.disk_folder import Changes, Folder, is_measured, parts_of

NEW_SECONDS = 0.5  # of a look, for files that nobody has looked at
CHECK_SECONDS = 0.25  # of a look, for those that somebody has
AT_ONCE = 4096  # files of one directory between two looks at the clock


class ListedFile(NamedTuple):
    """One state of one path. `path` is relative to the events directory, as the ledger writes it."""

    path: str
    inode: int
    size_bytes: int
    modified_ns: int
    changed_ns: int


@dataclass(frozen=True)
class Listing:
    """The regular files below a directory at one moment."""

    files: tuple[ListedFile, ...]
    unlistable: tuple[str, ...]  # directories that could not be read, "." for the events directory itself
    ignored: tuple[str, ...] = ()  # by their names, in order; a directory ends with a slash


def list_event_files(directory: EventsDirectory) -> Listing:
    """Look at every file of `directory`, once. What vanishes meanwhile is left out; what cannot be read is named."""
    view = DiskView(directory)
    view.look(new_seconds=float("inf"), check_seconds=0.0)
    return Listing(tuple(view.files()), view.unlistable, view.ignored)


class DiskView:
    """Remembers one events directory. Not for use by several threads at a time."""

    def __init__(self, directory: EventsDirectory) -> None:
        self._directory = directory
        self._folders: dict[str, Folder] = {}  # by prefix
        self._unseen: dict[str, None] = {}  # paths of files that nobody has looked at, the oldest first
        self._round: Iterator[tuple[Folder, list[str]]] = iter(())

    def __len__(self) -> int:
        return sum(len(folder.states) for folder in self._folders.values())

    @property
    def unseen(self) -> Mapping[str, None]:
        """Paths of the files that nobody has looked at yet."""
        return self._unseen

    @property
    def unlistable(self) -> tuple[str, ...]:
        """Directories that cannot be read, "." for the events directory itself."""
        return tuple(
            sorted(
                ledger_path(f.prefix.rstrip("/")) or "." for f in self._folders.values() if f.is_unlistable
            )
        )

    @property
    def ignored(self) -> tuple[str, ...]:
        """What is left alone by its name, in order."""
        return tuple(
            sorted(ledger_path(f.prefix + name) for f in self._folders.values() for name in f.ignored)
        )

    def files(self) -> Iterator[ListedFile]:
        """Those that somebody has looked at."""
        for folder in self._folders.values():
            for name, state in folder.states.items():
                if is_measured(state):
                    yield ListedFile(ledger_path(folder.prefix + name), *parts_of(state))

    def paths(self) -> dict[str, None]:
        """All, as the system has them."""
        found: dict[str, None] = {}
        for prefix, folder in self._folders.items():
            names = folder.states if not prefix else [prefix + name for name in folder.states]
            found = found | dict.fromkeys(names) if found else dict.fromkeys(names)
        return found

    def state(self, path: str) -> bytes | None:
        """Of the file with this path, as the system has it; None where there is none."""
        folder, name = self._find(path)
        return folder.states.get(name) if folder else None

    def look(self, *, new_seconds: float = NEW_SECONDS, check_seconds: float = CHECK_SECONDS) -> Changes:
        """Look at the disk; return what changed since the last look."""
        changes = Changes()
        self._walk(changes)
        for path in changes.gone.keys() & self._unseen.keys():
            del self._unseen[path]
        self._unseen = self._unseen | changes.unseen if self._unseen else changes.unseen
        self._measure_unseen(changes, time.monotonic() + new_seconds)
        if not self._unseen:
            self._check(changes, time.monotonic() + check_seconds)
        return changes

    def look_first(self, paths: Collection[str]) -> None:
        """Of the files that nobody has looked at, look at these first, and at the others in their turn."""
        if self._unseen and len(paths) < len(self):
            self._unseen = {path: None for path in self._unseen if path in paths}

    def _walk(self, changes: Changes) -> None:
        folders, pending = {}, [""]
        while pending:
            prefix = pending.pop()
            folder = self._folders.get(prefix) or Folder(self._directory, prefix)
            if not folder.look(changes):
                if prefix:
                    continue
                folder.is_unlistable = True
            folders[prefix] = folder
            pending += [f"{prefix}{name}/" for name in folder.folders]
        for prefix, folder in self._folders.items():
            if prefix not in folders:
                folder.clear(changes)
        self._folders = folders

    def _measure_unseen(self, changes: Changes, until: float) -> None:
        while self._unseen and time.monotonic() < until:
            folder, _ = self._find(next(iter(self._unseen)))
            paths = [path for path in islice(self._unseen, AT_ONCE) if self._find(path)[0] is folder]
            if folder is not None:
                names = [path[len(folder.prefix) :] for path in paths]
                paths = paths[: max(1, folder.measure(names, changes, until))]
            for path in paths:
                del self._unseen[path]
                changes.changed.setdefault(path, None)  # also one that could not be looked at

    def _check(self, changes: Changes, until: float) -> None:
        """Go round: once over all at most."""
        budget = len(self)
        while budget > 0 and time.monotonic() < until:
            part = next(self._round, None)
            if part is None:
                self._round = self._parts()
                part = next(self._round, None)
                if part is None:
                    return
            folder, names = part
            folder.measure(names, changes, float("inf"))
            budget -= len(names)

    def _parts(self) -> Iterator[tuple[Folder, list[str]]]:
        for folder in list(self._folders.values()):
            names = list(folder.states)
            for begin in range(0, len(names), AT_ONCE):
                yield folder, names[begin : begin + AT_ONCE]

    def _find(self, path: str) -> tuple[Folder | None, str]:
        if "/" not in path:
            return self._folders.get(""), path
        prefix, slash, name = path.rpartition("/")
        return self._folders.get(prefix + slash), name
