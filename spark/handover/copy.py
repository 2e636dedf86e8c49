"""COPY of encoded rows, out of Arrow's memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from clickstream_assets.sql_files import statement
from spark.cleaning.columns import Column
from spark.handover.encoding import HEADER, TRAILER
from spark.handover.staging import Table, column_list

COPY_READ_BYTES = 1024 * 1024


def copy_rows(cursor: Cursor, table: Table, columns: tuple[Column, ...], rows: pa.BinaryArray) -> int:
    """COPY `rows` (`encoding`) of `columns` into a table; returns how many PostgreSQL took."""
    copy = sql.SQL(statement("staging.copy")).format(
        table=sql.Identifier(*table), columns=column_list(columns)
    )
    cursor.copy_expert(copy, _Stream(_blocks(rows)), COPY_READ_BYTES)
    return cursor.rowcount


def _blocks(rows: pa.BinaryArray) -> Iterator[memoryview]:
    _, offsets, data = rows.buffers()
    bounds = np.frombuffer(offsets, np.int32)[rows.offset : rows.offset + len(rows) + 1]
    yield memoryview(HEADER)
    if len(rows):
        yield memoryview(data)[int(bounds[0]) : int(bounds[-1])]
    yield memoryview(TRAILER)


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
