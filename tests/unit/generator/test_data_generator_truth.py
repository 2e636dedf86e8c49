"""The manifest is the exact truth, and a seed repeats every byte. Counted again by an independent reader."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from strict_event_reader import Counts, count, event_files, good_fields, read_all, read_rows

from clickstream_assets.data_generator import GenerationSpec, Truth, generate_files
from clickstream_assets.errors import SettingsError
from clickstream_assets.generator.faults import DUPLICATE, KINDS, FaultPlan, damaged
from clickstream_assets.generator.rows import event_ids, iso_times, quoted

SHARES = [
    {},
    {"duplicates": 0.05, "malformed": 0.02, "late": 0.01},
    {"duplicates": 0.3},
    {"malformed": 0.2},
    {"late": 0.5},
    {"duplicates": 0.9, "malformed": 0.05},
    {"malformed": 1.0},
    {"late": 1.0},
]


@pytest.mark.parametrize("shares", SHARES, ids=str)
@pytest.mark.parametrize(("events", "files"), [(997, 13), (21_001, 1)])
def test_the_files_hold_exactly_what_the_manifest_says(
    tmp_path: Path, events: int, files: int, shares: dict[str, float]
) -> None:
    spec = GenerationSpec(events=events, files=files, seed=5, **shares)
    manifest = generate_files(spec, tmp_path)

    assert count(event_files(tmp_path)) == counts_of(manifest)
    assert [file.name for file in event_files(tmp_path)] == [file.name for file in manifest.file_details]
    assert manifest.rows == events
    assert manifest.files == files
    assert manifest.duplicates == round(events * shares.get("duplicates", 0))
    assert manifest.malformed == round(events * shares.get("malformed", 0))
    assert manifest.late == round(events * shares.get("late", 0))
    assert sum(manifest.malformed_kinds.values()) == manifest.malformed
    assert manifest.bytes == sum(file.stat().st_size for file in event_files(tmp_path))


def counts_of(manifest: Truth) -> Counts:
    return Counts(manifest.rows, manifest.unique_events, manifest.duplicates, manifest.malformed)


def test_the_manifest_is_also_true_file_by_file(tmp_path: Path) -> None:
    manifest = generate_files(
        GenerationSpec(events=9_000, files=9, duplicates=0.1, malformed=0.05, late=0.02, seed=2), tmp_path
    )
    seen: set[bytes] = set()
    for detail in manifest.file_details:
        rows = read_rows(tmp_path / detail.name)
        good = [row.line for row in rows if row.fields is not None]
        fresh = set(good) - seen
        assert len(rows) == detail.rows == 1_000
        assert len(fresh) == detail.unique_events
        assert len(good) - len(fresh) == detail.duplicates
        assert len(rows) - len(good) == detail.malformed
        assert abs(detail.duplicates - 100) <= 1, "the shares hold in every file"
        seen |= fresh


def test_duplicates_come_in_the_same_file_and_in_later_ones(tmp_path: Path) -> None:
    generate_files(GenerationSpec(events=8_000, files=8, duplicates=0.1, seed=3), tmp_path)
    first_seen: dict[bytes, Path] = {}
    same = later = 0
    for file in event_files(tmp_path):
        for row in read_rows(file):
            if row.line not in first_seen:
                first_seen[row.line] = file
            elif first_seen[row.line] == file:
                same += 1
            else:
                later += 1
    assert same > 200
    assert later > 200


def test_duplicates_also_reach_across_large_files(tmp_path: Path) -> None:
    generate_files(GenerationSpec(events=50_000, files=2, duplicates=0.02, seed=3), tmp_path)
    first, second = (set(file.read_bytes().splitlines()[1:]) for file in event_files(tmp_path))
    assert first & second


@pytest.mark.parametrize("files", [1, 8])
def test_late_events_are_hours_older_than_all_others_of_their_file(tmp_path: Path, files: int) -> None:
    manifest = generate_files(GenerationSpec(events=8_000, files=files, late=0.02, seed=4), tmp_path)
    sessions: set[str] = set()
    known = 0
    for detail in manifest.file_details:
        rows = read_rows(tmp_path / detail.name)
        times = sorted(row.time for row in rows)
        border = times[detail.late] - timedelta(hours=2)
        assert sum(time <= border for time in times) == detail.late
        assert min(times) > border - timedelta(hours=73)
        on_time = [row.time for row in rows if row.time > border]
        assert on_time == sorted(on_time)
        known += sum(row.time <= border and row.fields["session_id"] in sessions for row in rows)
        sessions |= {row.fields["session_id"] for row in rows}
    assert (known > 0) == (files > 1), "late events belong to earlier sessions, where there are any"


def contents(out: Path) -> list[tuple[str, bytes]]:
    return [(file.name, file.read_bytes()) for file in event_files(out)]


def test_a_seed_repeats_every_byte_and_another_seed_does_not(tmp_path: Path) -> None:
    spec = GenerationSpec(events=25_000, files=6, duplicates=0.05, malformed=0.02, late=0.01, seed=11)
    generate_files(spec, tmp_path / "first")
    generate_files(spec, tmp_path / "second")
    generate_files(replace(spec, seed=12), tmp_path / "other")
    assert contents(tmp_path / "first") == contents(tmp_path / "second")
    lines = [
        {line for _, content in contents(tmp_path / name) for line in content.splitlines()[1:]}
        for name in ("first", "other")
    ]
    assert not lines[0] & lines[1]


def test_a_seeded_run_into_the_same_directory_adds_files_and_overwrites_none(tmp_path: Path) -> None:
    spec = GenerationSpec(events=100, files=2, seed=1)
    for runs in (1, 2, 3):
        generate_files(spec, tmp_path)
        assert len(event_files(tmp_path)) == 2 * runs
    assert count(event_files(tmp_path)) == Counts(300, 100, 200, 0)


def test_without_a_seed_each_run_is_different_and_ends_now(tmp_path: Path) -> None:
    for _ in range(2):
        generate_files(GenerationSpec(events=2_000, days=1), tmp_path)
    rows = list(read_all(event_files(tmp_path)))
    assert len({row.line for row in rows}) == 4_000
    now = datetime.now(UTC)
    assert now - timedelta(days=1, minutes=1) < min(row.time for row in rows)
    assert now - timedelta(hours=3) < max(row.time for row in rows) <= now


def test_the_period_can_be_given(tmp_path: Path) -> None:
    start, until = datetime(2023, 2, 27), datetime(2023, 3, 1, 12, tzinfo=UTC)
    generate_files(GenerationSpec(events=500, start=start, until=until), tmp_path)
    times = [row.time for row in read_all(event_files(tmp_path))]
    assert start.replace(tzinfo=UTC) <= min(times) <= max(times) < until


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"events": 0}, "events is 0"),
        ({"events": 5, "files": 6}, "files is 6"),
        ({"events": 5, "files": 0}, "files is 0"),
        ({"events": 5, "duplicates": -0.1}, "duplicates is -0.1"),
        ({"events": 5, "late": float("nan")}, "late is nan"),
        ({"events": 5, "duplicates": 0.6, "malformed": 0.5}, "more than all rows"),
        ({"events": 5, "duplicates": 1.0}, "no good row is left"),
        ({"events": 2, "duplicates": 0.9}, "no good row is left"),
        ({"events": 5, "days": 0}, "period is empty"),
        ({"events": 5, "days": 1e9}, "2000"),
        ({"events": 5, "days": float("nan")}, "days"),
        ({"events": 5, "start": datetime(1999, 1, 1, tzinfo=UTC)}, "give a start after 2000-01-08"),
        ({"events": 5, "until": datetime(2999, 1, 1, tzinfo=UTC)}, "events of the future"),
        ({"events": 5, "seed": -1}, "seed is -1"),
        ({"events": 5, "ids": "short"}, "ids is 'short'"),
    ],
    ids=str,
)
def test_what_cannot_be_generated_is_told_in_one_sentence(
    tmp_path: Path, values: dict[str, Any], told: str
) -> None:
    with pytest.raises(SettingsError, match=told):
        generate_files(GenerationSpec(**values), tmp_path)
    assert not event_files(tmp_path)


@given(
    rows=st.integers(1, 3_000),
    shares=st.tuples(st.integers(0, 100), st.integers(0, 100), st.integers(0, 100)),
    cuts=st.lists(st.integers(0, 9_000), max_size=8),
)
def test_fault_counts_are_exact_over_all_rows_however_they_are_cut(
    rows: int, shares: tuple[int, int, int], cuts: list[int]
) -> None:
    duplicates = rows * shares[0] // 200
    malformed = rows * shares[1] // 200
    assume(
        duplicates + malformed < rows or not duplicates
    )  # GenerationSpec refuses: nothing is left to repeat
    plan = FaultPlan(rows, duplicates, malformed, (rows - duplicates - malformed) * shares[2] // 100)
    good_on_time = rows - duplicates - malformed - plan.late
    assert plan.until(rows).tolist() == [good_on_time, plan.late, duplicates, malformed]

    rng = np.random.default_rng(0)
    borders = sorted({0, *cuts, rows})
    for begin, end in pairwise(borders):
        labels = plan.labels(rng, begin, end)
        assert len(labels) == end - begin
        assert np.bincount(labels, minlength=4).tolist() == (plan.until(end) - plan.until(begin)).tolist()
        assert begin > 0 or labels[0] != DUPLICATE


@pytest.mark.parametrize("kind", range(len(KINDS)), ids=KINDS)
@pytest.mark.parametrize("agent", ["curl/8.5.0", "Mozilla/5.0 (KHTML, like Gecko)", 'say "hi", twice'])
@given(pick=st.integers(0, 1 << 30))
def test_damage_of_every_kind_is_refused_and_keeps_to_its_line(kind: int, agent: str, pick: int) -> None:
    fields = [
        str(uuid.UUID(int=9)),
        "anna.7",
        "00ff00ff00ff00ff",
        "view",
        "BOO-00012",
        "2025-01-31T12:00:00.000Z",
        "9.99",
    ]
    line = (",".join([*fields, quoted(agent)]) + "\n").encode()
    bad = damaged(line, kind, pick)
    assert bad.endswith(b"\n")
    assert bad.count(b"\n") == 1
    assert b"\r" not in bad
    assert bad.count(b'"') % 2 == 0

    assert good_fields(line.rstrip()) is not None
    assert good_fields(bad[:-1]) is None


@pytest.mark.parametrize(("ids", "version"), [("random", 4), ("time-ordered", 7)])
def test_event_ids_are_uuids_of_the_version_asked_for(ids: Any, version: int) -> None:
    times = np.arange(1_700_000_000_000, 1_700_000_005_000)
    made = [uuid.UUID(bytes(row).decode()) for row in event_ids(np.random.default_rng(1), times, ids)]
    assert len(set(made)) == len(times)
    assert {one.version for one in made} == {version}
    assert {one.variant for one in made} == {uuid.RFC_4122}
    assert (made == sorted(made)) == (ids == "time-ordered")
    if ids == "time-ordered":
        assert made[0].int >> 80 == 1_700_000_000_000


@given(st.lists(st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)), min_size=1))
def test_times_are_written_as_python_writes_them(moments: list[datetime]) -> None:
    stamps = [int(moment.replace(tzinfo=UTC).timestamp() * 1000) for moment in moments]
    expected = [
        (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=stamp)).isoformat(timespec="milliseconds")
        for stamp in stamps
    ]
    written = [bytes(row).decode() for row in iso_times(np.array(stamps))]
    assert written == [text.replace("+00:00", "Z") for text in expected]
