"""The spool: what a task reported comes back as it was, what was not reported is not there, and nothing stays."""

from __future__ import annotations

import stat
from pathlib import Path

import pyarrow as pa

from spark.handover.parts import Part
from spark.handover.spool import EVENTS, REJECTS, Spool, SpoolFile, sweep


def part(index: int = 3, token: str = "t") -> Part:  # noqa: S107
    return Part(index, token, 9, {7: 2}, {7: 1, 8: 4}, {9: "chunk_changed"}, ["2026-03-01"], 5, 6)


def event_columns(*rows: bytes) -> list[pa.Array]:
    numbers = range(len(rows))
    return [pa.array(rows), pa.array(numbers, pa.uint64()), pa.array(numbers), pa.array([False] * len(rows))]


def test_a_part_is_reported_with_all_that_it_counts(tmp_path: Path) -> None:
    spool = Spool.of_batch(tmp_path, 1, 2, 3)
    spool.directory.mkdir()
    assert spool.reported(3) is None
    spool.report(part())
    assert spool.reported(3) == part()
    assert [spool.reported(index) for index in (0, 30, 33)] == [None, None, None]
    assert [path.name for path in spool.directory.iterdir()] == ["3-t.json"]


def test_a_spool_that_no_task_has_begun_reports_nothing(tmp_path: Path) -> None:
    spool = Spool.of_batch(tmp_path, 1, 2, 3)
    assert spool.reported(0) is None
    assert list(spool.batches(part(), "events")) == []
    spool.remove()


def test_a_report_that_is_still_being_written_is_none(tmp_path: Path) -> None:
    spool = Spool.of_batch(tmp_path, 1, 2, 3)
    spool.directory.mkdir()
    spool.path(3, "t", "json").with_suffix(".part").write_text('{"index": 3')
    assert spool.reported(3) is None


def test_rows_come_back_batch_by_batch_in_their_order(tmp_path: Path) -> None:
    spool = Spool.of_batch(tmp_path, 1, 2, 3)
    events = SpoolFile(spool.path(3, "t", "events"), EVENTS)
    events.write(*event_columns(b"a", b"b"))
    events.write(*event_columns(b"c"))
    events.close()
    rejects = SpoolFile(spool.path(3, "t", "rejects"), REJECTS)
    rejects.write(pa.array([b"\0\xff"]))
    rejects.close()
    assert [batch["row"].to_pylist() for batch in spool.batches(part(), "events")] == [[b"a", b"b"], [b"c"]]
    assert [batch["row"].to_pylist() for batch in spool.batches(part(), "rejects")] == [[b"\0\xff"]]
    assert list(spool.batches(part(token="other"), "events")) == []
    assert stat.S_IMODE(spool.directory.stat().st_mode) == 0o700


def test_a_file_without_rows_is_never_made(tmp_path: Path) -> None:
    file = SpoolFile(tmp_path / "3-t.events", EVENTS)
    file.close()
    assert list(tmp_path.iterdir()) == []


def test_a_batch_takes_all_attempts_with_it_and_leaves_other_batches(tmp_path: Path) -> None:
    mine, other = Spool.of_batch(tmp_path, 1, 2, 3), Spool.of_batch(tmp_path, 1, 3, 4)
    for spool in (mine, other):
        spool.directory.mkdir()
        spool.report(part())
        spool.report(part(token="again"))
    mine.remove()
    assert [path.name for path in tmp_path.iterdir()] == ["e1-3-4"]
    assert other.reported(3) is not None


def test_sweeping_removes_batches_of_killed_streams_and_nothing_else(tmp_path: Path) -> None:
    for name in ("e1-0-4", "e12-9-10", "occurrences", "else"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["else", "occurrences"]
    sweep(tmp_path / "missing")
