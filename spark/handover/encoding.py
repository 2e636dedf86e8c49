"""Cleaned rows as PostgreSQL's binary COPY takes them, one value per row, so that single rows can be taken out.

The format is described in PostgreSQL's manual, at COPY, "Binary Format": a header, per row the number of fields and
each field's length and bytes, and a trailer.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pgpq import ArrowToPostgresBinaryEncoder

from spark.cleaning.prices import as_numeric

HEADER = b"PGCOPY\n\xff\r\n\0" + b"\0" * 8
TRAILER = b"\xff\xff"
JSONB_VERSION = "\x01"

Numbers = npt.NDArray[np.int64]

# Behind the count of fields, each field has its length before it; `columns` has their order.
_EVENT_FILE_AT = 2 + (4 + 16) + (4 + 8) + 4
_REJECT_FILE_AT = 2 + 4


def encoded_events(events: pa.RecordBatch, batch_id: int) -> pa.BinaryArray:
    """Rows of `columns.EVENT_SCHEMA`, then `batch_id`."""
    columns = dict(zip(events.schema.names, events.columns, strict=True))
    columns["price"] = as_numeric(columns["price"])
    columns["extra"] = pc.binary_join_element_wise(JSONB_VERSION, columns["extra"], "")
    return _encoded(columns, batch_id)


def encoded_rejects(rejects: pa.RecordBatch, batch_id: int) -> pa.BinaryArray:
    """Rows of `columns.REJECT_SCHEMA`, then `batch_id`."""
    return _encoded(dict(zip(rejects.schema.names, rejects.columns, strict=True)), batch_id)


def event_file_ids(rows: pa.BinaryArray) -> Numbers:
    """The files that encoded events are from."""
    return _numbers(rows, _EVENT_FILE_AT)


def reject_file_ids(rows: pa.BinaryArray) -> Numbers:
    """The files that encoded rejects are from."""
    return _numbers(rows, _REJECT_FILE_AT)


def of_batch(rows: pa.BinaryArray, batch_id: int) -> pa.BinaryArray:
    """Encoded rows, of events or rejects, with another batch id, which they end with."""
    _, offsets, data = rows.buffers()
    ends = np.frombuffer(offsets, np.int32)[rows.offset + 1 : rows.offset + len(rows) + 1].astype(np.int64)
    changed = np.frombuffer(data, np.uint8).copy()
    changed[ends[:, None] + np.arange(-8, 0)] = np.array([batch_id], ">i8").view(np.uint8)
    buffers = [None, offsets, pa.py_buffer(changed)]
    return pa.Array.from_buffers(pa.binary(), len(rows), buffers, offset=rows.offset)


def _numbers(rows: pa.BinaryArray, at: int) -> Numbers:
    """The bigint that stands at byte `at` of each row."""
    if not len(rows):
        return np.empty(0, np.int64)
    _, offsets, data = rows.buffers()
    starts = np.frombuffer(offsets, np.int32)[rows.offset : rows.offset + len(rows)].astype(np.int64)
    found: Numbers = np.frombuffer(data, np.uint8)[starts[:, None] + np.arange(at, at + 8)].view(">i8")[:, 0]
    return found.astype(np.int64)


def _encoded(columns: dict[str, pa.Array], batch_id: int) -> pa.BinaryArray:
    rows = len(next(iter(columns.values())))
    columns["batch_id"] = pa.array(np.full(rows, batch_id, np.int64))
    batch = pa.RecordBatch.from_pydict(columns)
    encoder = ArrowToPostgresBinaryEncoder(batch.schema)
    header = encoder.write_header()
    data = encoder.write_batch(batch) + encoder.finish()  # what is little comes with the end
    lengths = np.full(rows, 2 + 4 * len(columns), np.int64)
    for column in columns.values():
        lengths += _byte_lengths(column)
    bounds = np.zeros(rows + 1, np.int32)
    np.cumsum(lengths, out=bounds[1:])
    if bytes(header) != HEADER or len(data) != bounds[-1] + len(TRAILER):
        raise AssertionError("the encoder's rows are not as long as PostgreSQL's format says")
    return pa.Array.from_buffers(pa.binary(), rows, [None, pa.py_buffer(bounds), pa.py_buffer(data)])


def _byte_lengths(column: pa.Array) -> Numbers:
    if pa.types.is_integer(column.type) or pa.types.is_timestamp(column.type):
        return np.full(len(column), 8, np.int64)
    return pc.fill_null(pc.binary_length(column), 0).to_numpy(zero_copy_only=False).astype(np.int64)
