"""The pace of a running shop: when the next file is due, and how many rows are due by then.

The clock, the reasons to stop, and the arithmetic of the rate.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass

PARENT_POLL = 0.5  # seconds between two looks at the parent process
MOST_BEHIND = 10.0  # seconds; what a longer pause (a suspended machine) missed is not made up for


class Clock:
    """The real time, and waiting that ends early once someone asked to stop."""

    def __init__(self, *, exit_with_parent: bool = False) -> None:
        self._stop = threading.Event()
        self._parent = os.getppid() if exit_with_parent else None

    def stop(self) -> None:
        """Ask for the end; may be called from a signal handler."""
        self._stop.set()

    def now(self) -> int:
        """Milliseconds since 1970."""
        return time.time_ns() // 1_000_000

    def elapsed(self) -> float:
        """Seconds since some moment, never going back."""
        return time.monotonic()

    def wait_until(self, elapsed: float) -> bool:
        """Wait until `elapsed()` is that. True: stop instead."""
        while not self._stop.is_set() and not self._orphaned():
            left = elapsed - self.elapsed()
            if left <= 0:
                return False
            self._stop.wait(left if self._parent is None else min(left, PARENT_POLL))
        return True

    def _orphaned(self) -> bool:
        return self._parent is not None and os.getppid() != self._parent


@dataclass
class Pace:
    """Rows due at a steady rate.

    Attributes:
        rate: rows per second.
        interval: seconds from file to file.
        limit: rows in all; None: no end.
        started: reading of the clock when the first interval began.
        written: rows that were due so far.
    """

    rate: float
    interval: float
    limit: int | None
    started: float
    written: int = 0

    @property
    def finished(self) -> bool:
        return self.limit is not None and self.written >= self.limit

    def next_due(self, elapsed: float) -> float:
        """The reading of the clock at which the next file is due: the end of the interval, or of all rows."""
        tick = int((elapsed - self.started) / self.interval + 1e-6) + 1
        due = self.started + tick * self.interval
        return due if self.limit is None else min(due, max(self.started + self.limit / self.rate, elapsed))

    def take(self, elapsed: float) -> int:
        """How many rows are due at that reading of the clock; they count as written."""
        rows = self._due(elapsed)
        if rows > self.rate * max(MOST_BEHIND, 2 * self.interval):
            self.started += (rows - self.rate * self.interval) / self.rate
            rows = self._due(elapsed)
        self.written += rows
        return rows

    def _due(self, elapsed: float) -> int:
        # A millionth of a row: 0.1 + 0.2 seconds are 0.3 seconds.
        total = int(self.rate * (elapsed - self.started) + 1e-6)
        return max(0, (total if self.limit is None else min(total, self.limit)) - self.written)
