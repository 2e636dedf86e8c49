"""How long the file system has kept intake waiting, and whether that is longer than what was asked of it can take."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

STALL_SECONDS = 10.0  # a file system that has not answered for so long is stalled …
SLOWEST_BYTES = 5_000_000  # … and a file that is not read at so many bytes a second


class FileSystemClock:
    """Set by the thread that works with the file system, read by another one, since the first may hang."""

    def __init__(self) -> None:
        self._step: tuple[float, float] | None = None  # since when, and for how many seconds it may take

    @contextmanager
    def running(self, size_bytes: int = 0) -> Iterator[None]:
        """Around what the file system may keep waiting; `size_bytes`: what is to be read."""
        self._step = (time.monotonic(), STALL_SECONDS + size_bytes / SLOWEST_BYTES)
        try:
            yield
        finally:
            self._step = None

    @property
    def stalled_seconds(self) -> float:
        """For how long it has been waiting, where that is too long; else 0."""
        step = self._step
        if step is None:
            return 0.0
        since, allowed = step
        waited = time.monotonic() - since
        return waited if waited > allowed else 0.0
