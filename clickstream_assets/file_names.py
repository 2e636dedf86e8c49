"""The events directory and its files: which names are read at all, how the ledger writes them, and when a file is still
the same.

The rules that the stream's intake and the looks at the directory share; nothing here looks at a file.

A name that begins with a dot or an underscore, or ends as programs end those of files that they have not finished, is
ignored, be it a file's or a directory's.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from clickstream_assets.contract import DEFAULT_SOURCE

HIDDEN = (".", "_")
UNFINISHED = (
    ".part",
    ".partial",
    ".filepart",
    ".tmp",
    ".temp",
    ".crdownload",
    ".download",
    ".swp",
    "~",
)
_LAST = frozenset(letter for end in UNFINISHED for letter in (end[-1].lower(), end[-1].upper()))
_HIDDEN_BYTES = tuple(os.fsencode(start) for start in HIDDEN)
_UNFINISHED_BYTES = tuple(os.fsencode(end) for end in UNFINISHED)


@dataclass(frozen=True)
class EventsDirectory:
    """The directory that is watched, of one source. `follow_links`: also links that lead out of it.

    `unfinished`: patterns of names that are ignored besides the known ones.
    """

    path: Path
    follow_links: bool = False
    source: str = DEFAULT_SOURCE
    unfinished: tuple[str, ...] = ()

    def ignores(self, name: str | bytes) -> bool:
        """Whether an entry of this name, one part of a path, is left alone."""
        if is_ignored(name):
            return True
        return bool(self.unfinished) and any(fnmatchcase(os.fsdecode(name), end) for end in self.unfinished)


@dataclass(frozen=True)
class FileState:
    """Which state of a path: any change to the file changes one of these. Times in nanoseconds since 1970."""

    inode: int
    size_bytes: int
    modified_ns: int
    changed_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> FileState:
        return cls(signed_inode(status.st_ino), status.st_size, status.st_mtime_ns, status.st_ctime_ns)

    def same_content(self, other: FileState) -> bool:
        """Whether nothing was written in between: renaming or chmod alone move only the change time."""
        return (self.inode, self.size_bytes, self.modified_ns) == (
            other.inode,
            other.size_bytes,
            other.modified_ns,
        )


def signed_inode(inode: int) -> int:
    """An inode as the ledger has it: 64 bits without a sign, where bigint has one."""
    return inode - (1 << 64) if inode >= 1 << 63 else inode


def is_ignored(name: str | bytes) -> bool:
    """Whether an entry of this name, one part of a path, is left alone. Case is that of ASCII."""
    if isinstance(name, str) and name[:1] not in HIDDEN and name[-1:] not in _LAST:
        return False  # the usual, at a tenth of the cost
    raw = os.fsencode(name)
    return raw.startswith(_HIDDEN_BYTES) or raw.lower().endswith(_UNFINISHED_BYTES)


def ledger_path(path: str | bytes) -> str:
    """A path as the ledger writes it: text whatever bytes the name has, `\\xNN` where they are no UTF-8."""
    if isinstance(path, str) and path.isascii():
        return path
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def is_inside(place: bytes, directory: bytes) -> bool:
    """Whether `place`, free of links, lies in `directory`, which may be reached by some."""
    root = os.path.realpath(directory)
    return place == root or place.startswith(root.rstrip(b"/") + b"/")


def leads_outside(link: bytes, directory: bytes) -> bool:
    """Whether a link in `directory` leads out of it. One that leads nowhere does not."""
    place = os.path.realpath(link)
    return os.path.lexists(place) and not is_inside(place, directory)
