"""The first job of a JVM takes some seconds, and begins Spark's Python workers: one is run before rows wait for it.

Of a stream that gets small files only, the driver reads all of them. Its first large file comes at any time.
Spark ends Python workers after a minute without work; new ones are there within a third of a second.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pyarrow as pa
from pyspark.sql import SparkSession

AFTER_SECONDS = 10.0  # of the stream: what waits at its start comes first
LONGEST_WAIT_SECONDS = 5.0  # at its end: on a cluster without executors the job never ends


class WarmUp:
    """`tick`, called often, runs the job once, when it is time, and does not wait for it."""

    def __init__(self, job: Callable[[], None], after_seconds: float = AFTER_SECONDS) -> None:
        self._job = job
        self._at = time.monotonic() + after_seconds
        self._thread: threading.Thread | None = None

    def tick(self) -> None:
        if self._thread is None and time.monotonic() >= self._at:
            self._thread = threading.Thread(target=self._job, name="warm-up", daemon=True)
            self._thread.start()

    def wait(self) -> None:
        """For the end of a job that runs: of a session that ends beneath it, Spark writes pages into the log."""
        if self._thread is not None:
            self._thread.join(LONGEST_WAIT_SECONDS)


def warm_up_tasks(spark: SparkSession) -> None:
    """One row through a Python worker of as many tasks as may run at once."""
    # The stream may end meanwhile, in whatever state that leaves Spark's objects; a JVM that is gone is told by it.
    with suppress(Exception):
        tasks = spark.sparkContext.defaultParallelism
        spark.sparkContext.setLocalProperty("spark.job.description", "warms up")
        spark.range(0, tasks, 1, tasks).mapInArrow(_as_they_are, "id long").collect()


def _as_they_are(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield from batches
