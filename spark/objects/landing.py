"""The directory that objects are fetched to: what their files are called, and how one appears there, complete."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from clickstream_assets.file_names import FileState, ledger_path
from clickstream_assets.home import PRIVATE_DIRECTORY

FETCHING = ".fetching"  # hidden from the intake
LONGEST_NAME = 255  # bytes, of file systems


class LandedState(NamedTuple):
    """By which a file is known again."""

    inode: int
    size_bytes: int
    modified_ns: int


def path_of(key: str, prefix: str, ignores: Callable[[str], bool]) -> str | None:
    """Path of an object's file in the directory of its source; None: the object is no file, or one that is ignored.

    It is the key without the source's prefix, but for parts that no file system takes.
    """
    if not key.startswith(prefix) or key.endswith("/"):
        return None
    parts = key[len(prefix) :].split("/")
    if any(ignores(part) for part in parts if part):
        return None
    return ledger_path("/".join(_name(part) for part in parts))


def _name(part: str) -> str:
    raw = os.fsencode(part)
    if not raw:
        return "%"
    if len(raw) <= LONGEST_NAME:
        return part
    return f"{raw[:150].decode('utf-8', 'ignore')}%{hashlib.sha256(raw).hexdigest()[:16]}"


class Landing:
    """Its methods are for one thread, but for `unfinished`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def prepare(self) -> None:
        """Make the directory. What was being fetched is of no use."""
        self._root.mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)
        shutil.rmtree(self._root / FETCHING, ignore_errors=True)
        (self._root / FETCHING).mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)

    def unfinished(self, object_id: int) -> Path:
        """Where to write an object while it is fetched; its folder is there."""
        folder = self._root / FETCHING
        folder.mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)  # somebody may have deleted it
        return folder / str(object_id)

    def state_of_unfinished(self, object_id: int) -> LandedState:
        return _state(self.unfinished(object_id))

    def has_room(self, path: str) -> bool:
        """Whether a file of this path can appear: an object may be called as another's folder. Makes its folders."""
        target = self._root / path
        try:
            target.parent.mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            return False
        return not target.is_dir()

    def land(self, object_id: int, path: str) -> None:
        self.unfinished(object_id).rename(self._root / path)

    def holds(self, path: str, state: LandedState) -> bool:
        """Whether this very file is there."""
        try:
            return _state(self._root / path) == state
        except (FileNotFoundError, NotADirectoryError):
            return False

    def remove(self, path: str, state: LandedState | None) -> None:
        """Delete this very file (None: whatever is there), and the folders that are empty then."""
        if state is not None and not self.holds(path, state):
            return
        target = self._root / path
        with suppress(OSError):
            target.unlink()
            for folder in target.parents:
                if folder == self._root:
                    break
                folder.rmdir()

    def forget_unfinished(self, object_id: int) -> None:
        self.unfinished(object_id).unlink(missing_ok=True)


def _state(path: Path) -> LandedState:
    found = FileState.of(path.lstat())
    return LandedState(found.inode, found.size_bytes, found.modified_ns)
