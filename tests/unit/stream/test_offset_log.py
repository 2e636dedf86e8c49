"""Spark's offset log: read for the range of a batch, and judged before a start."""

from __future__ import annotations

from pathlib import Path

import pytest

from clickstream_assets.errors import StreamError
from spark.stream.offset_log import is_usable, move_aside, read_range

ENTRY = 'v1\n{"batchWatermarkMs":0}\n{"after": 3, "seq": 9}'


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    root = tmp_path / "checkpoint"
    for log in ("offsets", "commits"):
        (root / log).mkdir(parents=True)
    (root / "metadata").write_text('{"id":"x"}')
    (root / "offsets" / "0").write_text(ENTRY)
    (root / "commits" / "0").write_text('v1\n{"nextBatchWatermarkMs":0}')
    return root


def test_the_range_of_a_batch_is_in_its_entry(checkpoint: Path) -> None:
    assert read_range(checkpoint, 0) == (3, 9)


@pytest.mark.parametrize("entry", ["", "v1\n{}\n{}", "v1\n{}\nnonsense"])
def test_a_damaged_entry_is_an_error_and_no_guess(checkpoint: Path, entry: str) -> None:
    (checkpoint / "offsets" / "0").write_text(entry)
    with pytest.raises(StreamError):
        read_range(checkpoint, 0)


def test_a_whole_checkpoint_and_none_at_all_are_usable(checkpoint: Path, tmp_path: Path) -> None:
    assert is_usable(checkpoint)
    assert is_usable(tmp_path / "none")


@pytest.mark.parametrize("damaged", ["metadata", "offsets/0", "commits/0"])
def test_an_empty_newest_file_makes_a_checkpoint_unusable(checkpoint: Path, damaged: str) -> None:
    (checkpoint / damaged).write_text("")
    assert not is_usable(checkpoint)


@pytest.mark.parametrize("missing", ["metadata", "offsets/0"])
def test_a_missing_file_makes_a_checkpoint_unusable(checkpoint: Path, missing: str) -> None:
    (checkpoint / missing).unlink()
    assert not is_usable(checkpoint)


def test_a_batch_without_its_commit_is_what_a_crash_leaves_and_is_usable(checkpoint: Path) -> None:
    (checkpoint / "commits" / "0").unlink()
    assert is_usable(checkpoint)


def test_a_checkpoint_moved_aside_is_kept(checkpoint: Path) -> None:
    moved = move_aside(checkpoint)
    assert not checkpoint.exists()
    assert (moved / "offsets" / "0").read_text() == ENTRY
