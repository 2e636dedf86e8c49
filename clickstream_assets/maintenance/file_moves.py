"""Moving one finished file, so that no moment of it can lose anything.

Renames, copies and their checks. Which files are moved, and when, is in `finished_files`.

In the archive a file is `<day of its commit>/<its directory>/<file_id>-<its name>`: the same each time, and no other
file's. File names are bytes.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from clickstream_assets.file_names import FileState
from clickstream_assets.outages.mounts import check_mounted, remember

HOLDING = b".finished"  # hidden: neither intake nor the control plane look there
INCOMING = b".incoming"
COPY_BYTES = 1024 * 1024
LONGEST_NAME = 200  # bytes kept of a name; a file system takes 255


@dataclass(frozen=True)
class FinishedFile:
    """A file as the ledger knows it. `path` is relative to the events directory."""

    file_id: int
    path: bytes
    inode: int
    size_bytes: int
    modified_ns: int
    changed_ns: int
    content_hash: bytes | None
    committed_at: datetime

    @classmethod
    def of_row(cls, row: tuple[Any, ...]) -> FinishedFile:
        """From file_id, path, raw_path, inode, size_bytes, modified_ns, changed_ns, content_hash, committed_at."""
        path = bytes(row[2]) if row[2] is not None else os.fsencode(row[1])
        content_hash = bytes(row[7]) if row[7] is not None else None
        return cls(row[0], path, row[3], row[4], row[5], row[6], content_hash, row[8])

    def is_at(self, path: bytes, *, moved: bool = False) -> bool:
        """Whether `path` is this file in this state. A rename changes the change time: `moved` leaves it out."""
        try:
            found = os.lstat(path)
        except FileNotFoundError:
            return False
        then = FileState(self.inode, self.size_bytes, self.modified_ns, self.changed_ns)
        now = FileState.of(found)
        return stat.S_ISREG(found.st_mode) and (now.same_content(then) if moved else now == then)

    def archive_path(self, archive: bytes) -> bytes:
        """Where this file is in the archive."""
        directory, name = os.path.split(self.path)
        day = self.committed_at.astimezone(UTC).strftime("%Y-%m-%d").encode()
        return os.path.join(archive, day, directory, b"%d-%b" % (self.file_id, name[-LONGEST_NAME:]))


class Holding:
    """The hidden directory through which finished files leave. Made with the first of them."""

    def __init__(self, events_dir: Path) -> None:
        self.root = os.fsencode(events_dir)
        self._directory = os.path.join(self.root, HOLDING)

    def file_ids(self) -> list[int]:
        """The files in it: of a run that was interrupted."""
        try:
            return sorted(int(name) for name in os.listdir(self._directory) if name.isdigit())
        except FileNotFoundError:
            return []

    def path_of(self, file: FinishedFile) -> bytes:
        return os.path.join(self.root, file.path)

    def held_path(self, file: FinishedFile) -> bytes:
        return os.path.join(self._directory, b"%d" % file.file_id)

    def take(self, file: FinishedFile) -> bool:
        """Take `file` out of its directory; False where it is not the file that was meant, which stays."""
        if not file.is_at(self.path_of(file)):
            return False
        os.makedirs(self._directory, exist_ok=True)
        try:
            os.rename(self.path_of(file), self.held_path(file))
        except FileNotFoundError:
            return False
        except OSError as error:
            if error.errno == errno.EXDEV:  # a sub-directory that is a mount of its own
                return False
            raise
        if self.holds(file):
            return True
        self.give_back(file)
        return False

    def holds(self, file: FinishedFile) -> bool:
        return file.is_at(self.held_path(file), moved=True)

    def delete(self, file: FinishedFile) -> None:
        os.unlink(self.held_path(file))

    def give_back(self, file: FinishedFile) -> None:
        """Put it back under its name, or beside what took that name meanwhile. Nothing is overwritten."""
        target = self.path_of(file)
        for name in (target, b"%b~%d" % (target, file.file_id)):
            with suppress(FileExistsError):
                os.link(self.held_path(file), name)
                os.unlink(self.held_path(file))
                return

    def reveal(self, file_id: int) -> None:
        """Put back what the ledger does not know so (any more), as a file like any other."""
        held = os.path.join(self._directory, b"%d" % file_id)
        with suppress(FileExistsError):
            os.link(held, os.path.join(self.root, b"returned-%d" % file_id))
            os.unlink(held)


def same_file_system(events_dir: bytes, archive: Path) -> bool:
    return device(events_dir) == device(os.fsencode(archive))


def device(path: bytes) -> int:
    """Of the file system that `path` is in: a rename stays within one."""
    return os.stat(path).st_dev


def prepare_archive(archive: Path, home: Path) -> None:
    """Make the archive, and remove copies that were interrupted.

    Raises:
        OSError: it cannot be used; or its file system is not mounted: what is put there would be hidden by the mount.
    """
    check_mounted(home, archive)
    incoming = os.path.join(os.fsencode(archive), INCOMING)
    os.makedirs(incoming, exist_ok=True)
    for name in os.listdir(incoming):
        os.unlink(os.path.join(incoming, name))
    remember(home, archive)


def copy_in(source: bytes, file: FinishedFile, archive: Path) -> bool:
    """Copy into the archive's incoming directory and flush; False where it is not what the ledger says.

    Raises:
        OSError: it cannot be written; the incomplete copy is removed.
    """
    if not file.is_at(source):
        return False
    incoming = _incoming(file, archive)
    digest = hashlib.sha256()
    try:
        with open(source, "rb") as reader, open(incoming, "wb") as writer:
            while data := reader.read(COPY_BYTES):
                digest.update(data)
                writer.write(data)
            writer.flush()
            os.fsync(writer.fileno())
        shutil.copystat(source, incoming)
    except OSError as error:
        with suppress(OSError):
            os.unlink(incoming)
        error.filename = error.filename or incoming
        raise
    if digest.digest() == file.content_hash:
        return True
    os.unlink(incoming)
    return False


def move_in(held: bytes, file: FinishedFile, archive: Path) -> bool:
    """Give the file its place in the archive: by rename, or the copy takes it and the original is deleted.

    False where it is not what the ledger says, and stays.
    """
    target = file.archive_path(os.fsencode(archive))
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if device(held) == device(os.path.dirname(target)):
        os.rename(held, target)
        return True
    incoming = _incoming(file, archive)
    interrupted = not os.path.exists(incoming) and not os.path.exists(target)
    if interrupted and not copy_in(held, replace(file, changed_ns=os.lstat(held).st_ctime_ns), archive):
        return False
    if os.path.exists(incoming):
        os.rename(incoming, target)
    _flush(os.path.dirname(target))
    os.unlink(held)
    return True


def flush_directories(archive: Path, files: Iterable[FinishedFile]) -> None:
    """Make the names in the archive durable."""
    for directory in {os.path.dirname(file.archive_path(os.fsencode(archive))) for file in files}:
        _flush(directory)


def _incoming(file: FinishedFile, archive: Path) -> bytes:
    return os.path.join(os.fsencode(archive), INCOMING, b"%d" % file.file_id)


def _flush(directory: bytes) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
