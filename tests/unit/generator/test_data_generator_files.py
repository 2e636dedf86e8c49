"""Files appear whole, under fresh names, and a killed generator leaves nothing that lasts."""

from __future__ import annotations

import fcntl
import re
from pathlib import Path

import pytest
from strict_event_reader import event_files, read_rows

from clickstream_assets.data_generator import GenerationSpec, generate_files
from clickstream_assets.generator.writer import event_file, live_names, remove_leftovers


def test_no_visible_file_is_ever_unfinished(tmp_path: Path) -> None:
    files, rows_each = 4, 25_000
    looked = []

    def look(written: int) -> None:
        for file in event_files(tmp_path):
            assert file.read_bytes().count(b"\n") == 1 + rows_each
        [hidden] = [path for path in tmp_path.iterdir() if path.name.startswith(".")]
        assert hidden.suffix == ".partial"
        looked.append((written, len(event_files(tmp_path))))

    generate_files(GenerationSpec(events=files * rows_each, files=files, seed=1), tmp_path, look)
    assert looked == [
        (20_000, 0),
        (25_000, 0),
        (45_000, 1),
        (50_000, 1),
        (70_000, 2),
        (75_000, 2),
        (95_000, 3),
        (100_000, 3),
    ]
    assert len(list(tmp_path.iterdir())) == files


def test_an_error_in_mid_file_leaves_the_finished_files_and_nothing_else(tmp_path: Path) -> None:
    def fail(written: int) -> None:
        if written == 60:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate_files(GenerationSpec(events=100, files=5, seed=1), tmp_path, fail)
    assert [len(read_rows(path)) for path in sorted(tmp_path.iterdir())] == [20, 20]


def test_left_over_files_of_a_killed_generator_go_and_those_of_others_stay(tmp_path: Path) -> None:
    orphan = tmp_path / ".events-20250101T000000-abcdef-000000007.csv.partial"
    alive = tmp_path / ".events-20250101T000000-abcdef-000000008.csv.partial"
    foreign = [tmp_path / name for name in (".events.csv.tmp", ".upload-1.csv.partial", "events-1.csv")]
    for path in (orphan, alive, *foreign):
        path.write_text("half a")
    with alive.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert remove_leftovers(tmp_path) == [orphan]
    assert sorted(tmp_path.iterdir()) == sorted([alive, *foreign])

    generate_files(GenerationSpec(events=1), tmp_path)
    assert not alive.exists()


def test_a_file_that_is_being_written_is_no_left_over(tmp_path: Path) -> None:
    with event_file(tmp_path, "events-a-000000001.csv") as file:
        file.write(b"row\n")
        assert remove_leftovers(tmp_path) == []
    assert [path.name for path in tmp_path.iterdir()] == ["events-a-000000001.csv"]


def test_names_sort_in_the_order_of_writing_and_two_runs_never_meet() -> None:
    first, second = live_names(), live_names()
    names = [next(first) for _ in range(1_200)]
    assert names == sorted(names)
    assert not set(names) & {next(second) for _ in range(1_200)}
    assert all(re.fullmatch(r"events-[0-9T]{15}-[0-9a-f]{6}-\d{9}\.csv", name) for name in names)
