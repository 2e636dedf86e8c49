"""The Python data source that Spark runs: offsets and partitions in a process of the driver, reading in the tasks.

The offset is {"after": a, "seq": s, "epoch": e, "start": n}: the batch holds the chunks a < seq <= s, so Spark's own
offset log names the whole batch. Committed chunks are gone from the manifest and are never yielded again, whatever a
checkpoint says.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
from psycopg2.extensions import connection as Connection
from pyspark.sql.datasource import DataSource, DataSourceStreamReader, InputPartition
from pyspark.sql.streaming.datasource import ReadLimit, SupportsTriggerAvailableNow
from pyspark.sql.types import StructType

from clickstream_assets.contract import STREAM_URL_VARIABLE
from clickstream_assets.database import connect
from clickstream_assets.sql_files import statement
from spark.outage import told_as_outage
from spark.source.chunks import TaskRead
from spark.source.micro_batches import (
    BATCH_CHUNKS,
    Waiting,
    batch_end,
    ranges_to_look_at,
)
from spark.source.options import SourceOptions
from spark.source.task_plan import tasks_of
from spark.source.turns import Limits, next_range

IDLE_WAIT_SECONDS = 0.25  # a look for work waits so long for a notification
IDLE_NOTE_SECONDS = 1.0  # between notes in the lease that there is nothing to do


class ChunkPartition(InputPartition):
    """The work of one task."""

    def __init__(self, task: TaskRead) -> None:
        super().__init__(None)
        self.task = task


class ChunkStreamReader(DataSourceStreamReader, SupportsTriggerAvailableNow):
    """Runs in a Python process of the driver (offsets, partitions) and in the tasks (read)."""

    def __init__(self, options: SourceOptions) -> None:
        self._options = options
        self._connection: Connection | None = None
        self._is_catch_up = False  # --available-now
        # What this process handed out may still be being stored. Chunks behind a checkpoint are looked for, too: of a
        # micro-batch that a killed stream did not commit, or of a database that was restored from a backup.
        self._handed_out = 0
        self._rerun: tuple[int, int] | None = None  # what Spark's log had this process run first
        self._has_looked = False
        self._noted = 0.0
        self._turn = 0
        self._served: dict[str, int] = {}  # sources: the turn in which each was served last

    def initialOffset(self) -> dict[str, int]:
        # Committed chunks are gone from the manifest, so a new checkpoint may start before all of them.
        return {"after": 0, "seq": 0}

    def prepareForTriggerAvailableNow(self) -> None:
        self._is_catch_up = True

    def latestOffset(self, start: dict[str, int], limit: ReadLimit) -> dict[str, int]:
        self._has_looked = True
        found = self._next_range()
        if found is None and self._is_catch_up:
            found = self._next_range_of_catch_up()
        elif found is None:
            self._note_idle()
            self._wait_for_files()
            found = self._next_range()
        if found is None:
            return start
        after, self._handed_out = found
        # With the epoch and the start, for Spark takes an offset that it knows for no new data: chunks that it believes
        # stored may still be there.
        return {
            "after": after,
            "seq": self._handed_out,
            "epoch": self._options.epoch,
            "start": self._options.start,
        }

    def _next_range_of_catch_up(self) -> tuple[int, int] | None:
        """Wait for chunks until intake has registered all files that are there."""
        while True:
            is_registered = self._options.registered is None or self._options.registered.exists()
            found = self._next_range()
            if found is not None or is_registered:
                return found
            self._wait_for_files()

    def partitions(self, start: dict[str, int], end: dict[str, int]) -> Sequence[InputPartition]:
        if not self._has_looked:
            self._rerun = (end["after"], end["seq"])
        tasks = tasks_of(self._rows, self._options, end["after"], end["seq"])
        return [ChunkPartition(task) for task in tasks]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        # Here, for the driver's process of this source needs nothing of it: it loads for half a second.
        from spark.source.task import read_task

        if isinstance(partition, ChunkPartition):
            yield from read_task(partition.task, self._options)

    def _next_range(self) -> tuple[int, int] | None:
        """The chunks of the next micro-batch: after < seq <= upto."""
        for after, upto in ranges_to_look_at(self._handed_out, self._rerun):
            if upto is None:
                end = self._end_by_turns(after)
            else:
                rows = self._rows("chunks.waiting", {"after": after, "upto": upto, "limit": BATCH_CHUNKS})
                end = batch_end([Waiting(*row) for row in rows], self._options.batch_rows)
            if end is not None:
                return after, end
        return None

    def _end_by_turns(self, after: int) -> int | None:
        """The end of the next micro-batch, in which each source has had its turn."""
        queues: dict[str, list[Waiting]] = {}
        sources = 0
        rows = self._rows("chunks.waiting_by_source", {"after": after, "limit": BATCH_CHUNKS})
        for source, in_force, *chunk in rows:
            queues.setdefault(source, []).append(Waiting(*chunk))
            sources = max(in_force, len(queues))
        limits = Limits(self._options.batch_rows)
        limits = limits.shared() if sources > 1 else limits
        found = next_range(queues, limits, self._served, BATCH_CHUNKS, after)
        if found is None:
            return None
        self._turn += 1
        self._served |= dict.fromkeys(found.sources(queues), self._turn)
        if not found.moves:
            return found.upto
        numbers = {"old": list(found.moves), "new": list(found.moves.values()), "epoch": self._options.epoch}
        moved = self._rows("chunks.move", numbers)
        # None, where another stream took over meanwhile: what is read now is never committed.
        return found.upto if len(moved) == len(found.moves) else None

    def _rows(self, name: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        with told_as_outage():
            return self._asked(name, values)

    def _asked(self, name: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        if self._connection is None:
            self._connection = connect(
                os.environ[STREAM_URL_VARIABLE], "clickstream-stream-source", autocommit=True
            )
            with self._connection.cursor() as cursor:
                cursor.execute(statement("intake.listen"))
        with self._connection.cursor() as cursor:
            cursor.execute(statement(name), values)
            return cursor.fetchall()

    def _note_idle(self) -> None:
        if self._connection is not None and time.monotonic() - self._noted >= IDLE_NOTE_SECONDS:
            self._noted = time.monotonic()
            with told_as_outage(), self._connection.cursor() as cursor:
                cursor.execute(statement("lease.note_idle"))

    def _wait_for_files(self) -> None:
        connection = self._connection
        if connection is None:
            return
        with told_as_outage():
            connection.poll()
            if not connection.notifies:
                select.select([connection], [], [], IDLE_WAIT_SECONDS)
                connection.poll()
        connection.notifies.clear()


class ChunkSource(DataSource):
    """`spark.readStream.format("clickstream")` with the options of `SourceOptions`."""

    @classmethod
    def name(cls) -> str:
        return "clickstream"

    def schema(self) -> str:
        return SourceOptions.of(self.options).schema

    def streamReader(self, schema: StructType) -> DataSourceStreamReader:
        return ChunkStreamReader(SourceOptions.of(self.options))
