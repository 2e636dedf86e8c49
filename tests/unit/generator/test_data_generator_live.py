"""The live shop keeps its rate. On a clock of our own: nothing here sleeps."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strict_event_reader import count, event_files, read_all, read_rows

from clickstream_assets.data_generator import Clock, LiveSpec, generate_live
from clickstream_assets.errors import SettingsError
from clickstream_assets.generator.live import MOST_BEHIND, Pace

NOON = int(datetime(2025, 3, 1, 12, tzinfo=UTC).timestamp() * 1000)


class FakeClock(Clock):
    """Time passes only while waiting; every wake-up is `late` seconds late."""

    def __init__(self, *, late: float = 0.0, ticks: int = 10**9) -> None:
        super().__init__()
        self.time = 100.0
        self.late = late
        self.ticks = ticks
        self.at_tick: Callable[[int], None] = lambda tick: None

    def now(self) -> int:
        return NOON + round((self.time - 100.0) * 1000)

    def elapsed(self) -> float:
        return self.time

    def wait_until(self, elapsed: float) -> bool:
        self.ticks -= 1
        if self.ticks < 0:
            return True
        self.at_tick(self.ticks)
        self.time = max(self.time, elapsed + self.late)
        return False


@pytest.mark.parametrize("late", [0.0, 0.003, 0.9])
def test_every_interval_brings_a_file_with_exactly_its_rows(tmp_path: Path, late: float) -> None:
    clock = FakeClock(late=late, ticks=7)
    manifest = generate_live(LiveSpec(rate=1_000, seed=1), tmp_path, clock, keep_details=True)
    assert [file.rows for file in manifest.file_details] == [1_000] * 7
    assert [len(read_rows(path)) for path in event_files(tmp_path)] == [1_000] * 7


def test_a_slow_machine_catches_up_instead_of_losing_rows(tmp_path: Path) -> None:
    clock = FakeClock(ticks=6)
    pauses = {3: 2.5}

    def pause(tick: int) -> None:
        clock.time += pauses.get(tick, 0.0)

    clock.at_tick = pause
    manifest = generate_live(LiveSpec(rate=200, seed=1), tmp_path, clock)
    elapsed = clock.time - 100.0
    assert elapsed == pytest.approx(6.0 + 2.0, abs=1.01)
    assert manifest.rows == pytest.approx(200 * elapsed, abs=201)


def test_event_times_are_the_present_and_go_on_from_file_to_file(tmp_path: Path) -> None:
    clock = FakeClock(ticks=5)
    generate_live(LiveSpec(rate=50, interval=2.0, seed=1), tmp_path, clock)
    rows = list(read_all(event_files(tmp_path)))
    stamps = [int(row.time.timestamp() * 1000) for row in rows]
    assert len(stamps) == 500
    assert stamps == sorted(stamps)
    assert stamps[0] > NOON - 1
    assert stamps[-1] == NOON + 10_000
    assert all(later - earlier == 20 for earlier, later in pairwise(stamps))


def test_sessions_go_on_across_files_and_buy_only_what_is_in_the_cart(tmp_path: Path) -> None:
    clock = FakeClock(ticks=60)
    generate_live(LiveSpec(rate=200, seed=3), tmp_path, clock)
    carts: set[tuple[str, str]] = set()
    files: dict[str, set[Path]] = {}
    actions = set()
    for path in event_files(tmp_path):
        for row in read_rows(path):
            assert row.fields is not None
            session, action = row.fields["session_id"], row.fields["action_type"]
            item = (session, row.fields["product_id"])
            files.setdefault(session, set()).add(path)
            actions.add(action)
            if action == "add_to_cart":
                carts.add(item)
            elif action != "view":
                carts.remove(item)
    assert sum(len(where) > 1 for where in files.values()) > 200
    assert len(actions) == 4


def test_a_shop_that_just_opened_sells_within_half_a_minute(tmp_path: Path) -> None:
    generate_live(LiveSpec(rate=100, seed=1), tmp_path, FakeClock(ticks=30))
    actions = [row.fields["action_type"] for row in read_all(event_files(tmp_path)) if row.fields]
    assert actions.count("purchase") >= 5


def test_the_shares_are_exact_and_the_end_is_reached(tmp_path: Path) -> None:
    spec = LiveSpec(rate=700, events=2_345, duplicates=0.1, malformed=0.04, late=0.02, interval=0.3, seed=2)
    manifest = generate_live(spec, tmp_path, FakeClock())
    counts = count(event_files(tmp_path))
    assert (counts.rows, counts.duplicates, counts.malformed) == (2_345, 234, 94)
    assert (manifest.rows, manifest.duplicates, manifest.malformed) == (2_345, 234, 94)
    assert manifest.unique_events == counts.unique_events
    assert manifest.late == 47
    assert manifest.file_details == []


def test_without_an_end_the_shares_hold_at_any_stop(tmp_path: Path) -> None:
    manifest = generate_live(LiveSpec(rate=100, duplicates=0.05, seed=2), tmp_path, FakeClock(ticks=13))
    assert manifest.rows == 1_300
    assert manifest.duplicates == 65
    assert count(event_files(tmp_path)).duplicates == 65


def test_a_rate_below_one_row_an_interval_writes_no_empty_files(tmp_path: Path) -> None:
    manifest = generate_live(LiveSpec(rate=0.25, seed=1), tmp_path, FakeClock(ticks=12))
    assert manifest.rows == manifest.files == 3


def test_a_clock_set_back_stops_nothing(tmp_path: Path) -> None:
    class SetBack(FakeClock):
        def now(self) -> int:
            return super().now() - (3_600_000 if self.ticks < 3 else 0)

    manifest = generate_live(LiveSpec(rate=10, seed=1), tmp_path, SetBack(ticks=6))
    assert manifest.rows == 60
    assert count(event_files(tmp_path)).malformed == 0


@given(
    rate=st.floats(0.01, 100_000),
    interval=st.floats(0.01, 60),
    limit=st.integers(1, 10**6) | st.none(),
    delays=st.lists(st.floats(0, 5), min_size=1, max_size=50),
)
def test_the_pace_is_never_ahead_and_never_more_than_an_interval_behind(
    rate: float, interval: float, limit: int | None, delays: list[float]
) -> None:
    pace = Pace(rate, interval, limit, started=50.0)
    elapsed = 50.0
    for delay in delays:
        if pace.finished:
            break
        due = pace.next_due(elapsed)
        assert elapsed <= due <= elapsed + interval * 1.001 + 1e-6
        rows = pace.take(due)
        assert rows >= 0
        reached = rate * (due - pace.started)
        assert pace.written <= reached + 1e-3
        assert limit is None or pace.written <= limit
        assert pace.written >= min(reached - 1.001, limit or float("inf"))
        elapsed = max(due, elapsed) + delay
    else:
        assert pace.written <= rate * (elapsed - 50.0) + 1e-3


def test_what_a_long_pause_missed_is_not_made_up_for() -> None:
    pace = Pace(rate=100, interval=1.0, limit=None, started=0.0)
    assert pace.take(1.0) == 100
    assert pace.take(1.0 + MOST_BEHIND / 2) == 100 * MOST_BEHIND / 2
    hour_later = 1.0 + MOST_BEHIND / 2 + 3600
    assert pace.take(hour_later) == 100
    assert pace.take(pace.next_due(hour_later)) == 100


def test_waiting_ends_at_once_when_asked_to_stop() -> None:
    clock = Clock()
    threading.Timer(0.05, clock.stop).start()
    assert clock.wait_until(clock.elapsed() + 60)
    assert clock.wait_until(clock.elapsed() - 1)


def test_a_changed_parent_is_a_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, careless = Clock(exit_with_parent=True), Clock()
    assert not clock.wait_until(clock.elapsed())
    monkeypatch.setattr(os, "getppid", lambda: 1_234_567)
    assert clock.wait_until(clock.elapsed() + 60)
    assert not careless.wait_until(careless.elapsed())


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        (LiveSpec(rate=0), "rate is 0"),
        (LiveSpec(rate=float("nan")), "rate is nan"),
        (LiveSpec(rate=10, interval=0), "interval is 0"),
        (LiveSpec(rate=10, events=0), "events is 0"),
        (LiveSpec(rate=10, duplicates=0.7, malformed=0.3), "no good row is left"),
    ],
    ids=str,
)
def test_a_shop_that_cannot_run_is_told_in_one_sentence(tmp_path: Path, spec: LiveSpec, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        generate_live(spec, tmp_path, FakeClock(ticks=1))
