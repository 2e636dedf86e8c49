"""What a stream writes beside the database stays small, however many micro-batches it has behind it."""

from __future__ import annotations

from pathlib import Path

import pytest
from stream_pipeline import Pipeline, event

pytestmark = [pytest.mark.spark, pytest.mark.faults]
KEPT = 20  # micro-batches in the checkpoint, by the setting minBatchesToRetain


def load(pipeline: Pipeline, first: int, last: int) -> None:
    for number in range(first, last):
        pipeline.write(f"{number}.csv", event(number))
        pipeline.load()


def contents(directory: Path) -> tuple[int, int]:
    """Files and bytes."""
    files = [path for path in directory.rglob("*") if path.is_file()]
    return len(files), sum(path.stat().st_size for path in files)


def test_the_checkpoint_keeps_a_number_of_batches_whatever_the_history(pipeline: Pipeline) -> None:
    load(pipeline, 0, 2 * KEPT)
    files, size = contents(pipeline.settings.checkpoint_dir)
    load(pipeline, 2 * KEPT, 4 * KEPT)
    later_files, later_size = contents(pipeline.settings.checkpoint_dir)
    found = f"{files} files, {size} bytes; then {later_files} files, {later_size} bytes"
    assert later_files <= files + 4, found
    assert later_files <= 2 * KEPT + 10, found
    assert later_size <= size * 1.2, found
    pipeline.assert_conserved()
