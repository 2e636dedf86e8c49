"""COPY of encoded rows, out of Arrow's memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from clickstream_assets.sql_files import statement
from spark.cleaning.columns import Column
from spark.handover.encoding import HEADER, TRAILER
from spark.handover.staging import Table, column_list

COPY_READ_BYTES = 1024 * 1024
ROWS_PER_RUN = 50  # with fewer, a copy of the rows in one piece is sent sooner than each run of them

Mask = npt.NDArray[np.bool_]


def copy_rows(
    cursor: Cursor,
    table: Table,
    columns: tuple[Column, ...],
    rows: pa.BinaryArray,
    chosen: Mask | None = None,
) -> int:
    """COPY `rows` (`encoding`) of `columns`, or the chosen ones, into a table; returns how many PostgreSQL took."""
    copy = sql.SQL(statement("staging.copy")).format(
        table=sql.Identifier(*table), columns=column_list(columns)
    )
    cursor.copy_expert(copy, _Stream(_blocks(rows, chosen)), COPY_READ_BYTES)
    return cursor.rowcount


def _blocks(rows: pa.BinaryArray, chosen: Mask | None) -> Iterator[memoryview]:
    runs = np.array([[0, len(rows)]]) if chosen is None else _runs(chosen)
    if len(runs) * ROWS_PER_RUN > len(rows):
        rows = rows if chosen is None else rows.filter(pa.array(chosen))
        runs = np.array([[0, len(rows)]])
    _, offsets, data = rows.buffers()
    bounds = np.frombuffer(offsets, np.int32)[rows.offset : rows.offset + len(rows) + 1]
    yield memoryview(HEADER)
    if len(rows):
        for start, end in bounds[runs].tolist():
            yield memoryview(data)[start:end]
    yield memoryview(TRAILER)


def _runs(chosen: Mask) -> npt.NDArray[np.int64]:
    """The first and the end of each run of chosen rows."""
    edges = np.flatnonzero(np.diff(chosen, prepend=False, append=False))
    return edges.reshape(-1, 2)


class _Stream:
    """A file-like object over blocks, as `copy_expert` wants it."""

    def __init__(self, blocks: Iterator[memoryview]) -> None:
        self._blocks = blocks
        self._current = memoryview(b"")

    def readline(self, size: int = -1, /) -> bytes:
        raise NotImplementedError("COPY reads blocks")

    def read(self, size: int = COPY_READ_BYTES, /) -> bytes:
        while not self._current:
            block = next(self._blocks, None)
            if block is None:
                return b""
            self._current = block
        piece, self._current = self._current[:size], self._current[size:]
        return bytes(piece)
