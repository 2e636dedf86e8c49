"""The times that an event may have, at the moment its micro-batch is planned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)  # before: a broken clock
EARLIEST_US = int(EARLIEST.timestamp()) * 1_000_000
MAX_FUTURE = timedelta(days=1)  # ahead of this machine's clock: another zone or a skewed clock, at most


@dataclass(frozen=True)
class TimeBounds:
    """Microseconds since 1970, both allowed."""

    oldest: int
    latest: int

    @classmethod
    def at(
        cls, now: datetime, retention_days: int | None = None, floor: datetime | None = None
    ) -> TimeBounds:
        """Not beyond the retention, nor before `floor`, from which on events are kept, nor far in the future."""
        oldest = [EARLIEST]
        if floor is not None:
            oldest.append(floor)
        if retention_days is not None and (limit := _days_before(now, retention_days)) is not None:
            oldest.append(limit)
        return cls(_microseconds(max(oldest)), _microseconds(now + MAX_FUTURE))


def _days_before(now: datetime, days: int) -> datetime | None:
    try:
        return now - timedelta(days=days)
    except OverflowError:
        return None  # before the year 1


def _microseconds(moment: datetime) -> int:
    return round((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))
