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
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

AFTER_SECONDS = 10.0  # of the stream: what waits at its start comes first


class WarmUp:
    """`tick`, called often, runs the job once, when it is time, and does not wait for it."""

    def __init__(self, job: Callable[[], None], after_seconds: float = AFTER_SECONDS) -> None:
        self._job = job
        self._at = time.monotonic() + after_seconds
        self._is_begun = False

    def tick(self) -> None:
        if not self._is_begun and time.monotonic() >= self._at:
            self._is_begun = True
            threading.Thread(target=self._job, name="warm-up", daemon=True).start()


def warm_up_tasks(spark: SparkSession) -> None:
    """One row through a Python worker of as many tasks as may run at once."""
    # A JVM that is gone is noticed, and told, by the stream itself.
    with suppress(PySparkException, Py4JError, ConnectionError):
        tasks = spark.sparkContext.defaultParallelism
        spark.sparkContext.setLocalProperty("spark.job.description", "warms up")
        spark.range(0, tasks, 1, tasks).mapInArrow(_as_they_are, "id long").collect()


def _as_they_are(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield from batches
