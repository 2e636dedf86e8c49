"""The directories below the watched one: all that is in them, or what is in those that have changed.

Cost: an idle look is one `stat` a directory. A directory is listed when its modification time moved.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

from clickstream_assets.outages.errors import passes
from spark.discovery.unread import Unread
from spark.outage import sentence_about

# A directory's modification time ticks with the kernel's clock (up to 10 ms): two changes may share one value.
CLOCK_TICK_NS = 20_000_000

Listed = Iterator[tuple[bytes, os.DirEntry[bytes]]]  # paths relative to the root


class Folders:
    """`ignores`: which names are left alone. `away` is told what cannot be listed, for a while at least."""

    def __init__(self, root: bytes, ignores: Callable[[bytes], bool], away: Unread) -> None:
        self._root = root
        self._ignores = ignores
        self._away = away
        self._modified: dict[bytes, int] = {}  # of each directory, at the last listing
        self.ignored: list[bytes] = []  # by their names, when all were listed
        self.has_new_one = False  # since all were listed; what is in it is not listed yet

    def all_files(self) -> Listed:
        """All that are no directories."""
        directories = [b""]
        found: dict[bytes, int] = {}
        self.ignored = []
        while directories:
            for path, entry in self._list(directories.pop(), found):
                if self._ignores(entry.name):
                    self.ignored.append(path)
                elif entry.is_dir(follow_symlinks=False):
                    directories.append(path)
                else:
                    yield path, entry
        self._modified = found
        self.has_new_one = False

    def files_of_changed(self) -> Listed:
        """Those in directories in which names came or went since they were listed."""
        for directory, modified_ns in list(self._modified.items()):
            try:
                if os.stat(os.path.join(self._root, directory)).st_mtime_ns == modified_ns:
                    continue
            except OSError:
                continue
            for path, entry in self._list(directory, self._modified):
                if self._ignores(entry.name):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    self.has_new_one = self.has_new_one or path not in self._modified
                else:
                    yield path, entry

    def _list(self, directory: bytes, found: dict[bytes, int]) -> Listed:
        """The entries of one directory; notes its modification time so that a change is seen."""
        full = os.path.join(self._root, directory) if directory else self._root
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
