"""Staging: the COPY text of one part of a micro-batch goes into PostgreSQL, and what is in it is counted.

Belongs here: from Arrow batches to two tables (events, rejects) and a `Part`. Does not belong here: what becomes
of the tables (`commit`), or who calls, task or driver (`copy_sink`).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from clickstream_assets.database import query
from spark.records import Flag

COPY_READ_BYTES = 1024 * 1024


@dataclass
class Part:
    """What one task, or the driver, uploaded. Counts are rows."""

    index: int
    token: str
    events_table: tuple[str, ...]  # schema, where it has one, and name
    rejects_table: tuple[str, ...]
    events: int = 0
    rejects: int = 0
    events_by_file: dict[int, int] = field(default_factory=dict)
    rejects_by_file: dict[int, int] = field(default_factory=dict)
    void_files: dict[int, str] = field(default_factory=dict)  # file_id: the flag's name
    months: list[str] = field(default_factory=list)  # of event times, as their first day
    min_event_us: int | None = None
    max_event_us: int | None = None
    sorted_by_id: bool = False  # the events lie in runs that are in the order of their ids

    @property
    def own_tables(self) -> bool:
        """Whether the tables were made for this part, and go when it is merged."""
        return len(self.events_table) == 2

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Part:
        values = json.loads(text)
        for name in ("events_by_file", "rejects_by_file", "void_files"):
            values[name] = {int(key): value for key, value in values[name].items()}
        for name in ("events_table", "rejects_table"):
            values[name] = tuple(values[name])
        return cls(**values)


class RowsLost(Exception):
    """PostgreSQL holds another number of rows than Spark sent."""


def stage(connection: Connection, batches: Iterable[pa.RecordBatch], part: Part) -> None:
    """COPY the rows of `batches` (`copy_text.copy_text_sql`) into the tables of `part`, and count them there.

    Raises:
        RowsLost: PostgreSQL took another number of rows than there are.
    """
    rejects: list[bytes] = []
    counter = _Counter(part, rejects)
    with connection.cursor() as cursor:
        # One COPY for all batches, fed while Spark makes them.
        text = _Stream(counter.event_buffers(batches))
        cursor.copy_expert(_copy("copy_events", part.events_table), text, COPY_READ_BYTES)
        copied = cursor.rowcount
        if rejects:
            cursor.copy_expert(
                _copy("copy_rejects", part.rejects_table), _Stream(iter(rejects)), COPY_READ_BYTES
            )
            rejected = cursor.rowcount
        else:
            rejected = 0
    counter.finish()
    if (copied, rejected) != (part.events, part.rejects):
        raise RowsLost(
            f"Spark sent {part.events} events and {part.rejects} rejects, PostgreSQL took {copied} and {rejected}."
        )


def _copy(name: str, table: tuple[str, ...]) -> sql.Composed:
    return sql.SQL(query(name)).format(table=sql.Identifier(*table))


class _Counter:
    """Counts rows by file while their text streams past."""

    def __init__(self, part: Part, rejects: list[bytes]) -> None:
        self._part = part
        self._part.sorted_by_id = True  # until an event comes that is not plain
        self._rejects = rejects
        self._events: Counter[int] = Counter()
        self._rejected: Counter[int] = Counter()
        self._months: set[str] = set()

    def event_buffers(self, batches: Iterable[pa.RecordBatch]) -> Iterator[bytes | memoryview]:
        for batch in batches:
            if batch.num_rows:
                self._count(batch)
                yield string_bytes(batch.column("event_line"))
                for plain in batch.column("plain").drop_null():
                    yield self._count_plain(plain)

    def finish(self) -> None:
        self._part.events_by_file = dict(self._events)
        self._part.rejects_by_file = dict(self._rejected)
        self._part.months = sorted(self._months)

    def _count(self, batch: pa.RecordBatch) -> None:
        part = self._part
        is_event = pc.is_valid(batch.column("event_line"))
        is_reject = pc.is_valid(batch.column("reject_line"))
        events = _count_by_file(batch, is_event, self._events)
        part.events += events
        part.sorted_by_id &= events == 0
        rejected = _count_by_file(batch, is_reject, self._rejected)
        part.rejects += rejected
        if rejected:
            self._rejects.append(string_bytes(batch.column("reject_line")))
        times = batch.column("event_us")
        if times.null_count < len(times):
            self._widen(*pc.min_max(times).as_py().values())
            months = times.drop_null().to_numpy().astype("datetime64[us]").astype("datetime64[M]")
            self._months.update(f"{month}-01" for month in np.unique(months))
        flags = batch.column("flag").to_numpy()
        for row in np.flatnonzero(flags >= Flag.CHUNK_CHANGED):
            part.void_files[batch.column("file_id")[int(row)].as_py()] = Flag(int(flags[row])).name.lower()

    def _count_plain(self, plain: pa.StructScalar) -> memoryview:
        rows = plain["rows"].as_py()
        self._part.events += rows
        self._events[plain["file_id"].as_py()] += rows
        self._widen(plain["first_us"].as_py(), plain["last_us"].as_py())
        self._months.update(plain["months"].as_py().split(","))
        return memoryview(plain["text"].as_buffer())

    def _widen(self, low: int, high: int) -> None:
        part = self._part
        part.min_event_us = low if part.min_event_us is None else min(low, part.min_event_us)
        part.max_event_us = high if part.max_event_us is None else max(high, part.max_event_us)


def _count_by_file(batch: pa.RecordBatch, chosen: pa.BooleanArray, counter: Counter[int]) -> int:
    files = batch.column("file_id").filter(chosen)
    for entry in pc.value_counts(files).to_pylist():
        counter[entry["values"]] += entry["counts"]
    return len(files)


def string_bytes(column: pa.Array) -> bytes:
    """The strings of a column, end to end, without looking at any: they lie so in Arrow's buffer."""
    offset_type = np.int64 if pa.types.is_large_string(column.type) else np.int32
    _, offsets_buffer, data = column.buffers()
    offsets = np.frombuffer(offsets_buffer, offset_type)[column.offset : column.offset + len(column) + 1]
    return b"" if data is None else data[int(offsets[0]) : int(offsets[-1])].to_pybytes()


class _Stream:
    """A file-like object over buffers, as `copy_expert` wants it."""

    def __init__(self, buffers: Iterator[bytes | memoryview]) -> None:
        self._buffers = buffers
        self._current = memoryview(b"")

    def readline(self, size: int = -1, /) -> bytes:
        raise NotImplementedError("COPY reads blocks")

    def read(self, size: int = COPY_READ_BYTES, /) -> bytes:
        while not self._current:
            block = next(self._buffers, None)
            if block is None:
                return b""
            self._current = memoryview(block)
        piece, self._current = self._current[:size], self._current[size:]
        return bytes(piece)
