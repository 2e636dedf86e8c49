"""The schedules go by UTC: on the days on which clocks are changed each comes once, wherever the machine stands."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise, takewhile

import dagster as dg
import pytest
from dagster._utils.schedules import schedule_execution_time_iterator

from clickstream_assets.definitions import build_definitions
from clickstream_assets.settings import Settings

SCHEDULES = ("nightly_maintenance", "audit_summaries_nightly", "daily_report_schedule")
# Spring and autumn: at 2 o'clock in Berlin, at 2 in New York, at 2 and by half an hour on Lord Howe Island.
CHANGES = [
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
]


@pytest.fixture
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine's."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def schedule(name: str) -> dg.ScheduleDefinition:
    definition = build_definitions(Settings.from_env({})).resolve_schedule_def(name)
    assert isinstance(definition, dg.ScheduleDefinition)
    return definition


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize(
    ("zone", "day"), CHANGES, indirect=["zone"], ids=[f"{zone} {day}" for zone, day in CHANGES]
)
def test_on_the_day_of_a_change_of_clocks_each_comes_once(zone: None, day: date, name: str) -> None:
    definition = schedule(name)
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=1)
    ticks = schedule_execution_time_iterator(
        begin.timestamp(), str(definition.cron_schedule), definition.execution_timezone
    )
    found = list(takewhile(lambda tick: tick < begin + timedelta(days=3), ticks))
    assert len(found) == 3
    assert {later - earlier for earlier, later in pairwise(found)} == {timedelta(days=1)}


@pytest.mark.parametrize("name", SCHEDULES)
def test_each_says_that_it_goes_by_utc(name: str) -> None:
    assert schedule(name).execution_timezone == "UTC"
