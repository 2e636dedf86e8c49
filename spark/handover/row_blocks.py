"""Cleaned rows as blocks for Spark's own JDBC writer: one row of Spark holds some hundred events.

Each value that JDBC writes costs the JVM and PostgreSQL a parameter of a statement. So a block has one value per
column: an array in PostgreSQL's notation (its manual, "Array Value Input"), which `merge.insert_blocks` takes apart.
Rejects, which few rows are, are one JSON array per block. The last row of a task has its part.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spark.cleaning.cleaned import Cleaned
from spark.cleaning.columns import EVENT_COLUMNS, Column
from spark.handover.keys import halves
from spark.handover.parts import Part

BLOCK_ROWS = 500
BLOCK_BYTES = 256 * 1024  # of events, about
BLOCK_REJECTS = 100

ARRAYS = tuple(column for column in EVENT_COLUMNS if column.name != "file_id")
_UNQUOTED = ("event_id", "event_time", "line_no", "price")  # hold none of the notation's own signs
_HEX = np.frombuffer("".join(f"{byte:02x}" for byte in range(256)).encode(), "S2")

BLOCK_COLUMNS = (
    Column("token", pa.string(), "text"),  # of the attempt of a task
    Column("file_id", pa.int64(), "bigint"),  # a block is of one file
    *(Column(column.name, pa.string(), f"{column.sql_type}[]") for column in ARRAYS),
    Column("rejects", pa.string(), "jsonb"),
    Column("part", pa.string(), "text"),
)
BLOCKS_SCHEMA = ", ".join(
    f"{column.name} {'long' if column.name == 'file_id' else 'string'}" for column in BLOCK_COLUMNS
)


def blocks(token: str, file_id: int, cleaned: Cleaned) -> Iterator[pa.RecordBatch]:
    """The rows of `cleaned`, of one file; events in the order of their ids."""
    if len(cleaned.events):
        order = np.argsort(halves(cleaned.events["event_id"])[0], kind="stable")
        events = cleaned.events.take(pa.array(order))
        starts = _starts(len(events), min(BLOCK_ROWS, max(1, BLOCK_BYTES * len(events) // events.nbytes)))
        yield _rows(
            len(starts) - 1,
            token=token,
            file_id=file_id,
            **{column.name: _arrays(column.name, events[column.name], starts) for column in ARRAYS},
        )
    if len(cleaned.rejects):
        rejects = [
            row | {"raw": base64.b64encode(row["raw"]).decode()} for row in cleaned.rejects.to_pylist()
        ]
        texts = [json.dumps(rejects[at : at + BLOCK_REJECTS]) for at in range(0, len(rejects), BLOCK_REJECTS)]
        yield _rows(len(texts), token=token, file_id=file_id, rejects=pa.array(texts))


def report(part: Part) -> pa.RecordBatch:
    """The row that ends a part."""
    return _rows(1, token=part.token, part=part.to_json())


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


def _starts(rows: int, size: int) -> pa.Int32Array:
    return pa.array([*range(0, rows, size), rows], pa.int32())


def _arrays(name: str, column: pa.Array, starts: pa.Int32Array) -> pa.StringArray:
    """One array in PostgreSQL's notation per block."""
    texts = uuid_texts(column) if name == "event_id" else column.cast(pa.string())
    if name not in _UNQUOTED:
        for sign in ("\\", '"'):
            if pc.any(pc.match_substring(texts, sign)).as_py():
                texts = pc.replace_substring(texts, sign, "\\" + sign)
        texts = pc.binary_join_element_wise('"', texts, '"', "")
    joined = pc.binary_join(pa.ListArray.from_arrays(starts, pc.fill_null(texts, "NULL")), ",")
    return pc.binary_join_element_wise("{", joined, "}", "")


def _rows(rows: int, **values: str | int | pa.Array) -> pa.RecordBatch:
    columns = []
    for column in BLOCK_COLUMNS:
        value = values.get(column.name)
        columns.append(
            value if isinstance(value, pa.Array) else pa.repeat(pa.scalar(value, column.type), rows)
        )
    return pa.RecordBatch.from_arrays(columns, names=[column.name for column in BLOCK_COLUMNS])
