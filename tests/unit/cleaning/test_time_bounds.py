"""Which times an event may have."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from spark.cleaning.time_bounds import EARLIEST, MAX_FUTURE, TimeBounds

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
FLOOR = datetime(2026, 11, 1, tzinfo=UTC)


def oldest(retention_days: int | None, floor: datetime | None) -> datetime:
    return datetime.fromtimestamp(TimeBounds.at(NOW, retention_days, floor).oldest / 1e6, UTC)


def test_without_retention_all_that_no_broken_clock_wrote_is_taken() -> None:
    assert oldest(None, None) == EARLIEST


def test_the_retention_counts_from_now() -> None:
    assert oldest(7, None) == NOW - timedelta(days=7)


def test_what_was_dropped_does_not_come_back_whatever_the_retention() -> None:
    assert oldest(None, FLOOR) == FLOOR
    assert oldest(365, FLOOR) == FLOOR
    assert oldest(7, FLOOR) == NOW - timedelta(days=7)


def test_a_retention_beyond_the_calendar_limits_nothing() -> None:
    assert oldest(3_000_000, None) == EARLIEST


def test_the_future_ends_after_a_day() -> None:
    assert TimeBounds.at(NOW).latest == round((NOW + MAX_FUTURE).timestamp() * 1e6)
