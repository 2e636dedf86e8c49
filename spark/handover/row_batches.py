"""Cleaned rows as rows of Spark, for its own JDBC writer: events and rejects in one schema,
`source.options.ROWS_SCHEMA`.

Each value of each row costs the JVM and PostgreSQL a parameter of a statement. So a reject, which few rows are, is one
value, and times travel as texts, which JDBC would make of them by a calendar, row by row.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from spark.cleaning.clean import Cleaned
from spark.cleaning.columns import EVENT_COLUMNS, REJECT_COLUMNS, Column
from spark.reading.flags import Flag

# A row is an event or a reject; both have file_id and line_no.
REJECT = Column("reject", pa.string(), "jsonb", "string")
ROWS = (*EVENT_COLUMNS, REJECT)
_AS_TEXT = ("event_id", "event_time")
ROWS_SCHEMA = ", ".join(
    f"{column.name} {'string' if column.name in _AS_TEXT else column.spark_type}" for column in ROWS
)

_TYPES = {column.name: pa.string() if column.name in _AS_TEXT else column.type for column in ROWS}
_REJECT_ALONE = tuple(column.name for column in REJECT_COLUMNS if column.name not in _TYPES)
_HEX = np.frombuffer("".join(f"{byte:02x}" for byte in range(256)).encode(), "S2")


def row_batches(cleaned: Cleaned) -> Iterator[pa.RecordBatch]:
    """The rows of `cleaned`."""
    if len(cleaned.events):
        found = dict(zip(cleaned.events.schema.names, cleaned.events.columns, strict=True))
        found["event_id"] = uuid_texts(found["event_id"])
        found["event_time"] = found["event_time"].cast(pa.string())
        yield _batch(found, len(cleaned.events))
    if len(cleaned.rejects):
        found = dict(zip(cleaned.rejects.schema.names, cleaned.rejects.columns, strict=True))
        found["reject"] = _reject_texts(cleaned.rejects)
        yield _batch(found, len(cleaned.rejects))


def void_row(file_id: int, flag: Flag) -> pa.RecordBatch:
    """A row that is no record: the file is not what intake saw."""
    reject = json.dumps({"reason": flag.name.lower()})
    return _batch({"file_id": pa.array([file_id]), "line_no": pa.array([0]), "reject": pa.array([reject])}, 1)


def _reject_texts(rejects: pa.RecordBatch) -> pa.StringArray:
    """What rejects have and events have not, as JSON; bytes in base64."""
    return pa.array(
        [
            json.dumps(row | {"raw": base64.b64encode(row["raw"]).decode()})
            for row in rejects.select(_REJECT_ALONE).to_pylist()
        ],
        pa.string(),
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
