"""When the shop is busy: quiet nights, a lunch-time rise, a peak in the evening, fuller weekends (UTC)."""

from __future__ import annotations

import numpy as np

HOUR = 3_600_000  # ms

# Relative traffic by hour of the day.
DAY = np.array(
    [30, 20, 14, 11, 11, 15, 26, 42, 57, 66, 72, 78, 84, 80, 76, 75, 78, 86, 98, 110, 116, 104, 78, 50], float
)
# Relative traffic by day of the week, from Thursday, 1 January 1970.
DAYS = np.array([1.0, 1.0, 1.1, 1.2, 1.0, 0.95, 0.95])


class Rhythm:
    """Turns a share of the traffic of a period into the moment when it is reached."""

    def __init__(self, start: int, until: int) -> None:
        """A period from `start` to `until`, in ms since 1970."""
        inner = np.arange(start // HOUR + 1, -(-until // HOUR)) * HOUR
        self._edges = np.concatenate(([start], inner, [until])).astype(np.float64)
        hour = (self._edges[:-1] // HOUR).astype(np.int64)
        busy = DAY[hour % 24] * DAYS[hour // 24 % 7] * np.diff(self._edges)
        self._traffic = np.concatenate(([0.0], np.cumsum(busy) / busy.sum()))

    def at(self, share: np.ndarray) -> np.ndarray:
        """The moments (ms) at which shares (0 to 1, of all traffic) are reached; 0 is the start."""
        return np.interp(share, self._traffic, self._edges).astype(np.int64)
