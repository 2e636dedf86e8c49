"""Keeps Spark's Python workers alive while the stream is idle.

Spark ends the Python workers of an executor after a minute without any work (`PythonWorkerFactory`, not configurable).
The first file after a quiet minute then waits until new ones have started and imported, which takes longer than all
the rest. A job of one row, well within the minute, keeps them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pyarrow as pa
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

KEEP_SECONDS = 40.0  # without a micro-batch; Spark looks every ten seconds whether a minute is over


class IdleWorkers:
    """`worked` notes a micro-batch; `tick`, called often, runs the job when it is time. Neither waits."""

    def __init__(self, touch: Callable[[], None], keep_seconds: float = KEEP_SECONDS) -> None:
        self._touch = touch
        self._keep_seconds = keep_seconds
        self._used = time.monotonic()
        self._job: threading.Thread | None = None

    def worked(self) -> None:
        self._used = time.monotonic()

    def tick(self) -> None:
        if time.monotonic() - self._used < self._keep_seconds:
            return
        # On a cluster without executors the job waits: one is enough.
        if self._job is None or not self._job.is_alive():
            self._job = threading.Thread(target=self._touch, name="idle-workers", daemon=True)
            self._job.start()
        self.worked()


def touch_workers(spark: SparkSession) -> None:
    """One row through a Python worker of as many tasks as may run at once."""
    # A JVM that is gone is noticed, and told, by the stream itself.
    with suppress(PySparkException, Py4JError, ConnectionError):
        tasks = spark.sparkContext.defaultParallelism
        spark.sparkContext.setLocalProperty("spark.job.description", "keeps idle Python workers")
        spark.range(0, tasks, 1, tasks).mapInArrow(_as_they_are, "id long").collect()


def _as_they_are(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield from batches
