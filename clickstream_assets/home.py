"""The home: the directory of all state, for its owner alone.

It holds passwords, events of people and what was rejected, so the umask does not decide who may read it.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

PRIVATE_DIRECTORY, PRIVATE_FILE = 0o700, 0o600
OTHERS = 0o077
# Root's own server runs as another account, whose group may pass through and see nothing.
PASSABLE = 0o710


def make_home(home: Path) -> None:
    """Make the directory for its owner alone. One that is there stays as it is."""
    try:
        try:
            home.mkdir(mode=PRIVATE_DIRECTORY)
        except FileNotFoundError:
            home.parent.mkdir(parents=True, exist_ok=True)
            home.mkdir(mode=PRIVATE_DIRECTORY)
    except FileExistsError:
        if home.is_dir():
            return
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(home)) from None
    home.chmod(PRIVATE_DIRECTORY)


def let_pass(directory: Path, group: int, is_enough: Callable[[], bool]) -> bool:
    """Let a group through a directory of ours that is closed to it, where that is enough; else it stays as it is."""
    found = directory.stat()
    if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) != PRIVATE_DIRECTORY:
        return False
    os.chown(directory, -1, group)
    directory.chmod(PASSABLE)
    if is_enough():
        return True
    directory.chmod(PRIVATE_DIRECTORY)
    os.chown(directory, -1, found.st_gid)
    return False


def openness(home: Path) -> str | None:
    """One sentence where others may look into the home; None where they may not."""
    mode = stat.S_IMODE(home.stat().st_mode)
    if mode & OTHERS == 0 or (mode == PASSABLE and os.geteuid() == 0):
        return None
    return (
        f"! Other users may look into {home} (mode {mode:o}), where passwords and events of people are: "
        f"`chmod 700 {home}` closes it."
    )


def open_private(path: Path) -> BinaryIO:
    """Open a file to be written anew that its owner alone may read, whatever it was before."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.fchmod(descriptor, PRIVATE_FILE)
    return os.fdopen(descriptor, "wb")
