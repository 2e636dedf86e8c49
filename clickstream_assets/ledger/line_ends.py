"""Waiting files whose last line has no end: the stream gives their producers time to write it.

A look at the last bytes of a few files, as the stream's intake takes it. Of a compressed file it would take reading
all of it, so nothing is said of those.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from clickstream_assets.ledger.waiting_files import Listing

_NO_LINES = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1")  # gzip, zstd, Parquet
_LINE_ENDS = (b"\n", b"\n\0")  # the second one is that of UTF-16


def without_line_end(
    directory: Path, listing: Listing, paths: Iterable[str], settle_seconds: float
) -> tuple[str, ...]:
    """Those of `paths` that changed within the last `settle_seconds` and do not end with a newline."""
    earliest = int((listing.listed_at - settle_seconds) * 1e9)
    chosen = set(paths)
    young = {state.path for state in listing.files if state.path in chosen and state.changed_ns > earliest}
    return tuple(sorted(path for path in young if _ends_within_line(directory / path)))


def _ends_within_line(path: Path) -> bool:
    try:
        # A link may lead out of the directory, and a FIFO that came instead of the file would never open.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        size = os.fstat(descriptor).st_size
        if not size or os.pread(descriptor, 4, 0).startswith(_NO_LINES):
            return False
        end = os.pread(descriptor, 2, max(0, size - 2))
        return bool(end) and not end.endswith(_LINE_ENDS)
    except OSError:
        return False
    finally:
        os.close(descriptor)
