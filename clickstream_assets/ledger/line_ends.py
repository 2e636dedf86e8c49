"""Waiting files whose last line has no end: the stream gives their producers time to write it.

A look at the last bytes of a few files, as the stream's intake takes it. Of a compressed file it would take reading
all of it, so nothing is said of those.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

_NO_LINES = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1")  # gzip, zstd, Parquet
_LINE_ENDS = (b"\n", b"\n\0")  # the second one is that of UTF-16


def without_line_end(directory: Path, paths: Iterable[str], settle_seconds: float) -> tuple[str, ...]:
    """Those of `paths` that changed within the last `settle_seconds` and do not end with a newline."""
    earliest = time.time() - settle_seconds
    return tuple(sorted(path for path in paths if _ends_within_line(directory / path, earliest)))


def _ends_within_line(path: Path, earliest: float) -> bool:
    try:
        # A link may lead out of the directory, and a FIFO that came instead of the file would never open.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        status = os.fstat(descriptor)
        size = status.st_size
        if status.st_ctime <= earliest or not size or os.pread(descriptor, 4, 0).startswith(_NO_LINES):
            return False
        end = os.pread(descriptor, 2, max(0, size - 2))
        return bool(end) and not end.endswith(_LINE_ENDS)
    except OSError:
        return False
    finally:
        os.close(descriptor)
