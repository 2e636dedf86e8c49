"""Cleaned rows as rows of Spark, for its own JDBC writer: events and rejects in one schema,
`source.options.ROWS_SCHEMA`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from spark.cleaning.clean import Cleaned
from spark.cleaning.columns import EVENT_COLUMNS, REJECT_COLUMNS
from spark.reading.records import Flag

# A row is an event or a reject; both have file_id and line_no.
ROWS = (
    *EVENT_COLUMNS,
    *(column for column in REJECT_COLUMNS if column.name not in {event.name for event in EVENT_COLUMNS}),
)
ROWS_SCHEMA = ", ".join(f"{column.name} {column.spark_type}" for column in ROWS)

_TYPES = {column.name: pa.string() if column.name == "event_id" else column.type for column in ROWS}
_HEX = np.frombuffer("".join(f"{byte:02x}" for byte in range(256)).encode(), "S2")


def row_batches(cleaned: Cleaned) -> Iterator[pa.RecordBatch]:
    """The rows of `cleaned`."""
    for batch in (cleaned.events, cleaned.rejects):
        if len(batch):
            found = dict(zip(batch.schema.names, batch.columns, strict=True))
            if "event_id" in found:
                found["event_id"] = uuid_texts(found["event_id"])
            yield _batch(found, len(batch))


def void_row(file_id: int, flag: Flag) -> pa.RecordBatch:
    """A row that is no record: the file is not what intake saw."""
    return _batch(
        {"file_id": pa.array([file_id]), "line_no": pa.array([0]), "reason": pa.array([flag.name.lower()])}, 1
    )


def _batch(found: dict[str, pa.Array], rows: int) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(
        [found[name] if name in found else pa.nulls(rows, kind) for name, kind in _TYPES.items()],
        names=list(_TYPES),
    )


def uuid_texts(ids: pa.FixedSizeBinaryArray) -> pa.StringArray:
    """Ids in their usual notation."""
    data = np.frombuffer(ids.buffers()[1], np.uint8)[ids.offset * 16 : (ids.offset + len(ids)) * 16]
    digits = _HEX[data].view(np.uint8).reshape(len(ids), 32)
    text = np.full((len(ids), 36), ord("-"), np.uint8)
    start = 0
    for place, length in ((0, 8), (9, 4), (14, 4), (19, 4), (24, 12)):
        text[:, place : place + length] = digits[:, start : start + length]
        start += length
    bounds = np.arange(0, 36 * (len(ids) + 1), 36, dtype=np.int32)
    return pa.Array.from_buffers(
        pa.string(), len(ids), [None, pa.py_buffer(bounds), pa.py_buffer(np.ascontiguousarray(text))]
    )
