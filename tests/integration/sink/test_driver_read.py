"""Which micro-batches the driver reads itself, and that it hands over what a task would."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from stream_pipeline import HEADER, Pipeline, event

from clickstream_assets.contract import IdenticalRows
from spark.sink import driver_read
from spark.sink.driver_read import DriverRead
from spark.sink.handovers import SpoolHandover

pytestmark = pytest.mark.spark


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each micro-batch, whether the driver has read it."""
    seen: list[bool] = []
    parts = DriverRead.parts

    def noted(self: DriverRead, *arguments: object) -> object:
        found = parts(self, *arguments)  # type: ignore[arg-type]
        seen.append(found is not None)
        return found

    monkeypatch.setattr(DriverRead, "parts", noted)
    return seen


def rows(first: int, count: int, **changes: str) -> str:
    return "".join(event(number, **changes) for number in range(first, first + count))


def test_a_small_micro_batch_is_read_by_the_driver_without_a_spark_job(
    pipeline: Pipeline, jobs: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SpoolHandover, "begin", _without_run(SpoolHandover.begin))
    pipeline.write("1.csv", rows(0, 300) + "bad line\n")
    pipeline.write("2.csv", rows(200, 200))
    pipeline.load()
    assert jobs == [True]
    assert pipeline.counts() == (501, 400, 100, 1)
    assert not list((pipeline.settings.home / "spool").glob("e*"))
    pipeline.assert_conserved()


@pytest.mark.parametrize(("limit", "value"), [("MOST_ROWS", 10), ("MOST_BYTES", 1_000), ("MOST_CHUNKS", 1)])
def test_beyond_a_limit_it_is_work_for_tasks(
    pipeline: Pipeline, jobs: list[bool], monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(driver_read, limit, value)
    pipeline.write("1.csv", rows(0, 10))
    pipeline.write("2.csv", rows(5, 10))
    pipeline.load()
    assert jobs == [False]
    assert pipeline.counts() == (20, 15, 5, 0)
    pipeline.assert_conserved()


def test_parquet_is_work_for_tasks_for_its_values_may_need_much_memory(
    pipeline: Pipeline, jobs: list[bool]
) -> None:
    names = HEADER.strip().split(",")
    rows = {name: [text] * 2 for name, text in zip(names, event(1).strip().split(","), strict=True)}
    pq.write_table(pa.table(rows), pipeline.root / "1.parquet")
    pipeline.load()
    assert jobs == [False]
    assert pipeline.counts() == (2, 1, 1, 0)
    pipeline.assert_conserved()


def test_identical_rows_that_are_kept_are_numbered_by_the_driver_as_by_tasks(
    pipeline: Pipeline, jobs: list[bool]
) -> None:
    pipeline.write("1.csv", event(1, event_id="") * 3)
    pipeline.load(identical_rows="keep", in_tasks=True)
    pipeline.write("2.csv", event(1, event_id="") * 4)
    pipeline.load(identical_rows="keep")
    assert jobs == [True]
    assert pipeline.counts() == (7, 4, 3, 0)
    pipeline.assert_conserved()


@pytest.mark.parametrize(("identical_rows", "reads"), [("merge", True), ("keep", False)])
def test_where_rows_are_numbered_the_driver_reads_no_end_of_a_file(
    pipeline: Pipeline,
    jobs: list[bool],
    monkeypatch: pytest.MonkeyPatch,
    identical_rows: IdenticalRows,
    reads: bool,
) -> None:
    """All that is before it may have to be counted, which may be gigabytes."""
    monkeypatch.setattr("spark.content.blocks.BLOCK_BYTES", 2_000)  # chunks end where blocks do
    pipeline.write("1.csv", rows(0, 400))
    pipeline.load(identical_rows=identical_rows, chunk_bytes=8_000)
    assert jobs == [reads]
    assert pipeline.counts() == (400, 400, 0, 0)
    pipeline.assert_conserved()


def _without_run(begin: object) -> object:
    def parts(self: SpoolHandover, batch: object) -> object:
        found = begin(self, batch)  # type: ignore[operator]
        found.run = None
        return found

    return parts
