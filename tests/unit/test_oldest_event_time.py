"""The bound below which events are too old. Guards against a bound of the moment, with which Spark would compile its
code anew for each micro-batch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from spark.cleaning import EARLIEST, oldest_event_time

NOW = datetime(2026, 11, 22, 10, 59, 59, tzinfo=UTC)
FLOOR = datetime(2026, 11, 1, tzinfo=UTC)


def test_without_retention_only_broken_clocks_are_bounded() -> None:
    assert oldest_event_time(NOW, None, None) == EARLIEST


def test_the_bound_moves_once_an_hour() -> None:
    bounds = {oldest_event_time(NOW - timedelta(seconds=s), 30, None) for s in range(0, 3599, 60)}
    assert bounds == {"2026-10-23 10:00:00"}


def test_what_was_dropped_stays_out_without_a_limit_or_with_a_longer_one() -> None:
    assert oldest_event_time(NOW, None, FLOOR) == "2026-11-01 00:00:00"
    assert oldest_event_time(NOW, 365, FLOOR) == "2026-11-01 00:00:00"
    assert oldest_event_time(NOW, 7, FLOOR) == "2026-11-15 10:00:00"


def test_a_limit_of_a_century_bounds_nothing() -> None:
    assert oldest_event_time(NOW, 36600, None) == EARLIEST
