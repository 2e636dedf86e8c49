"""The Spark source: registered chunks as micro-batches of raw records, offsets being sequence numbers.

Belongs here: which chunks form the next micro-batch, how they spread over tasks, and reading them. Does not
belong here: registering them (`intake`) and what the records mean (`cleaning`).

The offset is {"after": a, "seq": s}: the batch holds the chunks a < seq <= s, so Spark's own offset log names the
whole batch. Committed chunks are gone from the manifest and are never yielded again, whatever a checkpoint says.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from psycopg2.extensions import connection as Connection
from pyspark.sql.datasource import DataSource, DataSourceStreamReader, InputPartition
from pyspark.sql.streaming.datasource import ReadLimit, SupportsTriggerAvailableNow
from pyspark.sql.types import StructType

from clickstream_assets.database import connect, query
from spark.chunk_reader import SCHEMA, ChunkToRead, read_chunk
from spark.content import FileState
from spark.fields import Columns
from spark.header import Layout
from spark.plain_events import PlainEvents
from spark.source_mapping import SourceMapping
from spark.time_bounds import TimeBounds

URL_VARIABLE = "CLICKSTREAM_STREAM_DATABASE_URL"
BATCH_ROWS = 1_000_000  # of one micro-batch, at most …
BATCH_BYTES = 256 * 1024 * 1024
BATCH_CHUNKS = 2_000
TASK_BYTES = 8 * 1024 * 1024  # fewer bytes than this are one task …
CHUNK_COST_BYTES = 128 * 1024  # … where beginning a chunk takes as long as reading so many
IDLE_WAIT_SECONDS = 0.25  # a look for work waits so long for a notification
IDLE_NOTE_SECONDS = 1.0  # between notes in the lease that there is nothing to do


@dataclass(frozen=True)
class Waiting:
    """A chunk as the choice of the next micro-batch sees it."""

    seq: int
    records: int
    byte_length: int


class ChunkPartition(InputPartition):
    """The chunks of one task, in order."""

    def __init__(self, chunks: tuple[ChunkToRead, ...]) -> None:
        super().__init__(None)
        self.chunks = chunks


def batch_end(waiting: Sequence[Waiting]) -> int | None:
    """The last seq of the next micro-batch out of the chunks waiting, in order; `None` if none waits."""
    rows = size = 0
    end: int | None = None
    for chunk in waiting[:BATCH_CHUNKS]:
        rows += chunk.records
        size += chunk.byte_length
        if end is not None and (rows > BATCH_ROWS or size > BATCH_BYTES):
            break
        end = chunk.seq
    return end


def group_by_task(
    chunks: Sequence[ChunkToRead], task_bytes: int = TASK_BYTES
) -> list[tuple[ChunkToRead, ...]]:
    """Split `chunks` into runs of about `task_bytes`, in order; thousands of tiny ones are several tasks, too."""
    groups: list[list[ChunkToRead]] = []
    size = 0
    for chunk in chunks:
        cost = chunk.byte_length + CHUNK_COST_BYTES
        if not groups or size + cost > task_bytes:
            groups.append([])
            size = 0
        groups[-1].append(chunk)
        size += cost
    return [tuple(group) for group in groups]


class ChunkStreamReader(DataSourceStreamReader, SupportsTriggerAvailableNow):
    """Runs in a Python process of the driver (offsets, partitions) and in the tasks (read)."""

    def __init__(
        self, root: bytes, retention_days: int | None, mapping: SourceMapping, plain: PlainEvents | None
    ) -> None:
        self._root = root
        self._retention_days = retention_days
        self._mapping = mapping
        self._plain = plain
        self._connection: Connection | None = None
        self._target: int | None = None  # of --available-now
        self._noted = 0.0

    def initialOffset(self) -> dict[str, int]:
        # Committed chunks are gone from the manifest, so a new checkpoint may start before all of them.
        return {"after": 0, "seq": 0}

    def prepareForTriggerAvailableNow(self) -> None:
        (self._target,) = self._rows("chunks_last", {})[0]

    def latestOffset(self, start: dict[str, int], limit: ReadLimit) -> dict[str, int]:
        after = start["seq"]
        end = self._next_end(after)
        if end is None:
            # A database restored from a backup may hold chunks behind the checkpoint.
            after = 0
            end = self._next_end(after)
        if end is None and self._target is None:
            self._note_idle()
            self._wait_for_files()
            after = start["seq"]
            end = self._next_end(after)
        return start if end is None else {"after": after, "seq": end}

    def partitions(self, start: dict[str, int], end: dict[str, int]) -> Sequence[InputPartition]:
        rows = self._rows("chunks_to_read", {"after": end["after"], "upto": end["seq"]})
        ((floor,),) = self._rows("events_floor", {})
        bounds = TimeBounds.at(datetime.now(UTC), self._retention_days, floor)
        columns = {
            row[9]: Columns.of(Layout(tuple(row[10]), row[11], row[15]), self._mapping.columns)
            for row in rows
        }
        chunks = [
            ChunkToRead(
                seq=row[0],
                file_id=row[1],
                path=bytes(row[3]) if row[3] is not None else os.fsencode(row[2]),
                state=FileState(row[4], row[5], row[6], row[7]),
                compression=row[8],
                bounds=bounds,
                columns=columns[row[9]],
                byte_offset=row[12],
                byte_length=row[13],
                first_line=row[14],
            )
            for row in rows
        ]
        return [ChunkPartition(group) for group in group_by_task(chunks)]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        if isinstance(partition, ChunkPartition):
            for chunk in partition.chunks:
                yield from read_chunk(os.path.join(self._root, chunk.path), chunk, self._plain)

    def _next_end(self, after: int) -> int | None:
        rows = self._rows("chunks_waiting", {"after": after, "upto": self._target, "limit": BATCH_CHUNKS})
        return batch_end([Waiting(*row) for row in rows])

    def _rows(self, name: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        if self._connection is None:
            self._connection = connect(os.environ[URL_VARIABLE], "clickstream-stream-source", autocommit=True)
            with self._connection.cursor() as cursor:
                cursor.execute(query("listen_files"))
        with self._connection.cursor() as cursor:
            cursor.execute(query(name), values)
            return cursor.fetchall()

    def _note_idle(self) -> None:
        if self._connection is not None and time.monotonic() - self._noted >= IDLE_NOTE_SECONDS:
            self._noted = time.monotonic()
            with self._connection.cursor() as cursor:
                cursor.execute(query("note_idle"))

    def _wait_for_files(self) -> None:
        connection = self._connection
        if connection is None:
            return
        connection.poll()
        if not connection.notifies:
            select.select([connection], [], [], IDLE_WAIT_SECONDS)
            connection.poll()
        connection.notifies.clear()


class ChunkSource(DataSource):
    """`spark.readStream.format("clickstream")` with the options `root`, `mapping`, `sink` and `retention_days`."""

    @classmethod
    def name(cls) -> str:
        return "clickstream"

    def schema(self) -> str:
        return SCHEMA

    def streamReader(self, schema: StructType) -> DataSourceStreamReader:
        days = self.options.get("retention_days")
        mapping = SourceMapping.from_json(self.options["mapping"])
        plain = PlainEvents.of(mapping) if self.options["sink"] == "copy" else None
        return ChunkStreamReader(
            bytes.fromhex(self.options["root"]), int(days) if days else None, mapping, plain
        )
