"""Event files on disk: each appears whole, under a name that was never used before.

A file is written under a hidden name in the same directory, held under a lock, and renamed.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from clickstream_assets.generator.rows import HEADER

_PARTIAL = re.compile(r"\.events-[0-9A-Za-z-]+\.csv\.partial")


def live_names() -> Iterator[str]:
    """Names that sort by the time of the run; a random part keeps two runs apart."""
    return _numbered(f"events-{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}")


def seeded_names(fingerprint: str, out: Path) -> Iterator[str]:
    """Names that are the same for the same fingerprint; further runs into one directory are numbered."""
    taken = {entry.name for entry in os.scandir(out)}
    run, prefix = 1, f"events-{fingerprint}"
    while any(name.startswith(prefix + "-0") for name in taken):
        run += 1
        prefix = f"events-{fingerprint}-run{run}"
    return _numbered(prefix)


def _numbered(prefix: str) -> Iterator[str]:
    number = 0
    while True:
        number += 1
        yield f"{prefix}-{number:09d}.csv"


@contextmanager
def event_file(out: Path, name: str) -> Iterator[BinaryIO]:
    """Write an event file; the header is there already. It appears when the block ends without an error.

    Raises:
        OSError: it cannot be written.
    """
    partial = out / f".{name}.partial"
    file = _create_locked(partial)
    try:
        file.write(HEADER)
        yield file
        file.flush()
        partial.rename(out / name)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    finally:
        file.close()


def _create_locked(path: Path) -> BinaryIO:
    """Create a file and lock it, so that `remove_leftovers` of another generator knows that it is alive."""
    while True:
        file = path.open("wb")
        fcntl.flock(file, fcntl.LOCK_EX)
        if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
            return file
        file.close()  # taken for a left-over between its creation and its lock


def remove_leftovers(out: Path) -> list[Path]:
    """Remove the unfinished files of generators that were killed; those still written to are left alone."""
    removed = []
    for entry in _hidden(os.scandir(out)):
        path = Path(entry.path)
        try:
            with path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
                removed.append(path)
        except (BlockingIOError, FileNotFoundError):
            continue
    return removed


def _hidden(entries: Iterable[os.DirEntry[str]]) -> Iterator[os.DirEntry[str]]:
    return (entry for entry in entries if _PARTIAL.fullmatch(entry.name))
