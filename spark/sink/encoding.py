"""Cleaned rows as PostgreSQL's binary COPY takes them, one value per row, so that single rows can be taken out.

The format is described in PostgreSQL's manual, at COPY, "Binary Format": a header, per row the number of fields and
each field's length and bytes, and a trailer.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pgpq import ArrowToPostgresBinaryEncoder

from spark.cleaning.prices import as_numeric

HEADER = b"PGCOPY\n\xff\r\n\0" + b"\0" * 8
TRAILER = b"\xff\xff"
JSONB_VERSION = "\x01"


def encoded_events(events: pa.RecordBatch, batch_id: int) -> pa.BinaryArray:
    """Rows of `columns.EVENT_SCHEMA`, then `batch_id`."""
    columns = dict(zip(events.schema.names, events.columns, strict=True))
    columns["price"] = as_numeric(columns["price"])
    columns["extra"] = pc.binary_join_element_wise(JSONB_VERSION, columns["extra"], "")
    return _encoded(columns, batch_id)


def encoded_rejects(rejects: pa.RecordBatch, batch_id: int) -> pa.BinaryArray:
    """Rows of `columns.REJECT_SCHEMA`, then `batch_id`."""
    return _encoded(dict(zip(rejects.schema.names, rejects.columns, strict=True)), batch_id)


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


def _byte_lengths(column: pa.Array) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    if pa.types.is_integer(column.type) or pa.types.is_timestamp(column.type):
        return np.full(len(column), 8, np.int64)
    return pc.fill_null(pc.binary_length(column), 0).to_numpy(zero_copy_only=False).astype(np.int64)
