"""Directories whose file system is not mounted: an empty mount point looks like an empty directory.

The home remembers, for each directory that is used, at which place its file system was mounted. Where that is no mount
point any more, and the directory is empty or not there, the file system is away, also for a program that has just been
started. A directory that was emptied, or a new home, is no such case: its file system is where it was.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path

NOT_MOUNTED = "Its file system is no longer mounted"


def mount_point(directory: str | bytes | Path) -> str:
    """Where the file system of a directory is mounted; of one that is not there, that of the nearest that is."""
    place = Path(os.path.realpath(os.fsdecode(directory)))
    return str(next((part for part in (place, *place.parents) if os.path.ismount(part)), place.root))


def remember(home: Path, directory: str | bytes | Path) -> None:
    """Note where the file system of a directory is mounted now. What cannot be written is not remembered."""
    file, found = _file(home, directory), mount_point(directory)
    if _remembered(file) == found:
        return
    unfinished = file.with_suffix(f".{os.getpid()}")
    with suppress(OSError):
        file.parent.mkdir(mode=0o700, exist_ok=True)
        unfinished.write_text(json.dumps({"directory": os.fsdecode(directory), "mounted_at": found}))
        unfinished.rename(file)


def check_mounted(home: Path, directory: str | bytes | Path) -> None:
    """Raises OSError where the file system that a directory was in is not mounted, and nothing has taken its place."""
    before = _remembered(_file(home, directory))
    if before is not None and was_unmounted(directory, before):
        raise OSError(errno.ENODEV, NOT_MOUNTED, os.fsdecode(directory))


def was_unmounted(directory: str | bytes | Path, mounted_at: str) -> bool:
    """Whether the file system that was mounted there is not, and `directory` is empty, or not there."""
    now = mount_point(directory)
    if now == mounted_at or not mounted_at.startswith(now.rstrip("/") + "/"):
        return False
    try:
        with os.scandir(directory) as entries:
            return next(entries, None) is None
    except FileNotFoundError:
        return True


def why_away(home: Path, directory: Path) -> str | None:
    """What `check_mounted` says, as a sentence without its full stop, with what to do; None where it is there."""
    file = _file(home, directory)
    before = _remembered(file)
    try:
        if before is None or not was_unmounted(directory, before):
            return None
    except OSError as error:
        return f"{directory} cannot be read: {error.strerror or error}"
    return (
        f"{directory} is empty, and the file system that was mounted at {before} is not mounted any more: mount it; "
        f"or, if it is not to come back, delete {file}"
    )


def why_no_room(home: Path, directory: Path) -> str | None:
    """Why nothing can be put into a directory, as far as its file system tells, without its full stop; None where
    something can. One that is not there yet is made."""
    if (away := why_away(home, directory)) is not None:
        return away
    try:
        found = os.statvfs(mount_point(directory))
    except OSError as error:
        return f"{directory} cannot be used: {error.strerror or error}"
    if found.f_flag & os.ST_RDONLY:
        return f"{directory} cannot be written: its file system is read-only"
    if found.f_blocks and not found.f_bavail:
        return f"{directory} cannot be written: no space is left in its file system"
    return None


def _file(home: Path, directory: str | bytes | Path) -> Path:
    name = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    return home / "mounts" / f"{name}.json"


def _remembered(file: Path) -> str | None:
    try:
        return str(json.loads(file.read_text())["mounted_at"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
