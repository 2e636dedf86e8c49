"""The COPY sink: how the rows of a micro-batch reach the staging tables.

A small micro-batch goes through the driver, in the transaction that commits it: no second Python worker, no second
connection. A large one is copied by the tasks, each into tables of its own attempt, and is merged part by part
while Spark still parses the rest. Does not belong here: merging (`commit`).
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator

import pyarrow as pa
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from pyspark import TaskContext
from pyspark.sql import DataFrame

from clickstream_assets.database import connect, query
from spark.staging import Part, stage

SMALL_ROWS = 20_000  # fewer are copied by the driver
POLL_SECONDS = 0.02  # between looks for a finished part


def stage_in_driver(rows: DataFrame, connection: Connection) -> Part:
    """Copy `rows` (`copy_text.copy_text_sql`) within the transaction that is open on `connection`."""
    part = Part(0, uuid.uuid4().hex, ("small_events",), ("small_rejects",))
    stage(connection, rows.toArrow().to_batches(), part)
    return part


class TaskStaging:
    """Copies the rows of one micro-batch from the tasks. `run` blocks; `parts` gives them, in order, meanwhile."""

    def __init__(self, url: str, epoch: int) -> None:
        self._url = url
        self._epoch = epoch
        self._batch_token = uuid.uuid4().hex
        self._done = threading.Event()
        self._accepted: list[Part] | None = None

    def run(self, rows: DataFrame) -> None:
        """Run the Spark job. Afterwards the parts that Spark accepted are known."""
        try:
            url, epoch, batch_token = self._url, self._epoch, self._batch_token

            def upload(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
                return stage_in_task(batches, url, epoch, batch_token)

            results = rows.mapInArrow(upload, "part string").collect()
            self._accepted = sorted(
                (Part.from_json(row.part) for row in results), key=lambda part: part.index
            )
        finally:
            self._done.set()

    def parts(self) -> Iterator[Part]:
        """The parts in order, each as soon as a task reports it. Which attempts count is known only after `run`."""
        connection = connect(self._url, "clickstream-stream-parts", autocommit=True)
        try:
            index = 0
            while not self._done.is_set():
                part = self._finished(connection, index)
                if part is None:
                    self._done.wait(POLL_SECONDS)
                else:
                    yield part
                    index += 1
            yield from self.accepted()[index:]
            with connection.cursor() as cursor:
                cursor.execute(query("forget_finished_parts"), {"batch_token": self._batch_token})
        finally:
            connection.close()

    def accepted(self) -> list[Part]:
        """The parts that Spark accepted, in order.

        Raises:
            JobFailed: the Spark job did not end well.
        """
        if self._accepted is None:
            raise JobFailed("the Spark job of this micro-batch failed")
        return self._accepted

    def _finished(self, connection: Connection, index: int) -> Part | None:
        with connection.cursor() as cursor:
            cursor.execute(query("finished_part"), {"batch_token": self._batch_token, "part_index": index})
            row = cursor.fetchone()
        return None if row is None else Part.from_json(row[0])


class JobFailed(Exception):
    """The Spark job failed; its own exception says why."""


def stage_in_task(
    batches: Iterator[pa.RecordBatch], url: str, epoch: int, batch_token: str
) -> Iterator[pa.RecordBatch]:
    """Copy one task's rows into new tables, committed here: whether they count is decided by the driver."""
    context = TaskContext.get()
    index = context.partitionId() if context is not None else 0
    token = uuid.uuid4().hex
    part = Part(
        index, token, ("staging", f"events_e{epoch}_{token}"), ("staging", f"rejects_e{epoch}_{token}")
    )
    connection = connect(url, "clickstream-stream-task")
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(
                sql.SQL(query("create_part")).format(
                    events=sql.Identifier(part.events_table[1]), rejects=sql.Identifier(part.rejects_table[1])
                )
            )
            stage(connection, batches, part)
            report = {"batch_token": batch_token, "part_index": index, "token": token, "part": part.to_json()}
            cursor.execute(query("report_part"), report)
    finally:
        connection.close()
    yield pa.RecordBatch.from_pydict({"part": [part.to_json()]})
