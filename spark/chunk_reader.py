"""Reading one registered chunk in a task: raw records as Arrow batches.

Belongs here: the columns that Spark gets, and telling that a file is not what intake saw. Does not belong here:
which chunks are read (`source`), and where a record ends (`records`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from spark.content import Content, ContentChanged, ContentError, FileState
from spark.fields import FIELD_SCHEMA, Columns, no_fields, split_fields
from spark.plain_events import PLAIN_SCHEMA, PLAIN_TYPE, PlainEvents
from spark.records import Flag, Records, split_blocks
from spark.time_bounds import TimeBounds

RECORD_SCHEMA = (
    "file_id long, line_no long, "
    f"byte_offset long, byte_length long, flag byte, value binary, oldest timestamp, latest timestamp, {FIELD_SCHEMA}"
)
SCHEMA = f"{RECORD_SCHEMA}, {PLAIN_SCHEMA}"
NAMES = [*(column.split(" ")[0] for column in RECORD_SCHEMA.split(", ")), "plain"]


@dataclass(frozen=True)
class ChunkToRead:
    """All that a task must know to read one chunk."""

    seq: int
    file_id: int
    path: bytes
    state: FileState
    compression: str | None
    columns: Columns
    bounds: TimeBounds
    byte_offset: int
    byte_length: int
    first_line: int


def read_chunk(path: bytes, chunk: ChunkToRead, plain: PlainEvents | None = None) -> Iterator[pa.RecordBatch]:
    """The records of a chunk, `SCHEMA`. Where the file is not what intake saw, a last row with a flag voids them all.

    With `plain`, the plain events of a run of records are a single row of it, and all else of that row is empty.
    """
    try:
        with Content(path) as content:
            if not chunk.state.same_content(content.state):
                raise ContentChanged("another state")
            runs = split_blocks(
                content.text_blocks(chunk.compression, chunk.byte_offset, chunk.byte_length),
                offset=chunk.byte_offset,
                line=chunk.first_line,
                fields=chunk.columns.count,
                delimiter=chunk.columns.delimiter,
                escape=chunk.columns.escape,
            )
            for records in runs:
                batch = record_batch(chunk, records)
                yield from [batch] if plain is None else _plain_apart(batch, chunk, plain)
            if content.changed():
                raise ContentChanged("written to while it was read")
    except ContentChanged:
        yield _note(chunk, Flag.CHUNK_CHANGED)
    except ContentError:
        yield _note(chunk, Flag.CHUNK_UNREADABLE)


def record_batch(chunk: ChunkToRead, records: Records) -> pa.RecordBatch:
    """`records` of `chunk` as the columns of `SCHEMA`."""
    fields = split_fields(records.values, records.flags == Flag.NONE, chunk.columns)
    return _batch(chunk, records, fields, pa.nulls(len(records), PLAIN_TYPE))


def _batch(
    chunk: ChunkToRead, records: Records, fields: list[pa.Array], plain: pa.StructArray
) -> pa.RecordBatch:
    rows = len(records)
    return pa.RecordBatch.from_arrays(
        [
            pa.array(np.full(rows, chunk.file_id)),
            pa.array(records.line_numbers),
            pa.array(records.offsets),
            pa.array(records.lengths),
            pa.array(records.flags),
            records.values,
            pa.array(np.full(rows, chunk.bounds.oldest, "datetime64[us]"), pa.timestamp("us", "UTC")),
            pa.array(np.full(rows, chunk.bounds.latest, "datetime64[us]"), pa.timestamp("us", "UTC")),
            *fields,
            plain,
        ],
        names=NAMES,
    )


def _plain_apart(batch: pa.RecordBatch, chunk: ChunkToRead, plain: PlainEvents) -> Iterator[pa.RecordBatch]:
    is_plain, described = plain.take(batch, chunk.file_id, chunk.bounds)
    if described is None:
        yield batch
        return
    yield _note(chunk, Flag.NONE, described)
    if not is_plain.all():
        yield batch.filter(pa.array(~is_plain))


def _note(chunk: ChunkToRead, flag: Flag, plain: pa.StructArray | None = None) -> pa.RecordBatch:
    """A row that is no record."""
    nothing = Records(
        values=pa.array([b""], pa.binary()),
        line_numbers=np.array([0]),
        offsets=np.array([chunk.byte_offset]),
        lengths=np.array([0]),
        flags=np.array([flag], np.int8),
        end_offset=chunk.byte_offset,
        end_line=chunk.first_line,
    )
    return _batch(chunk, nothing, no_fields(1), pa.nulls(1, PLAIN_TYPE) if plain is None else plain)
