"""One entry of a directory: its state, where its link leads, and why it cannot be taken as a file."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass

from clickstream_assets.file_names import FileState, leads_outside
from clickstream_assets.outages.errors import passes
from spark.content.content import Content
from spark.content.errors import ContentChanged, ContentError


@dataclass(frozen=True)
class Entries:
    """Those below `root`; paths are relative to it. `follow_links`: also to what lies out of it."""

    root: bytes
    follow_links: bool

    def place(self, path: bytes) -> bytes:
        return os.path.join(self.root, path)

    def state(self, path: bytes) -> FileState | None:
        """None: it is gone.

        Raises:
            OSError: it is away for a while.
        """
        full = self.place(path)
        return self._state_of_link(full) if os.path.islink(full) else _state(lambda: os.lstat(full))

    def state_listed(self, path: bytes, entry: os.DirEntry[bytes]) -> FileState | None:
        """The same as its directory has just listed it."""
        return self._state_of_link(self.place(path)) if entry.is_symlink() else _state(entry.stat)

    def _state_of_link(self, full: bytes) -> FileState | None:
        """That of the file it leads to. What is not read is not looked at, either: the link stands for itself."""
        if not self._leads_outside(full):
            state = _state(lambda: os.stat(full))
            if state is not None:
                return state
        return _state(lambda: os.lstat(full))

    def problem(self, path: bytes) -> str | None:
        """Why it cannot be opened as a file: a key of `candidate.PROBLEMS`.

        Raises:
            OSError: it is away for a while.
        """
        full = self.place(path)
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

    def ends_within_line(self, path: bytes) -> bool:
        """Whether its last line has no end, as far as that can be told without reading all of it."""
        try:
            with Content(self.place(path)) as content:
                return content.ends_within_line()
        except (ContentError, ContentChanged, OSError):  # whoever reads it will say so
            return False


def _state(look: Callable[[], os.stat_result]) -> FileState | None:
    """None of what is gone. Raises OSError of what is away for a while."""
    try:
        return FileState.of(look())
    except OSError as error:
        if passes(error):
            raise
        return None
