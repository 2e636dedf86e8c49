"""Rows of a micro-batch that may be duplicates, on their way into the staging table `suspects`.

They come a few per sheet. A COPY of its own for each few takes longer than the rows, so that they are gathered first.
"""

from __future__ import annotations

import pyarrow as pa
from psycopg2.extensions import cursor as Cursor

from spark.cleaning.columns import EVENT_COLUMNS
from spark.handover.copy import copy_rows
from spark.handover.staging import Table

SUSPECTS: Table = ("pg_temp", "suspects")
GATHERED_BYTES = 4 * 1024 * 1024  # at most, in memory


class Suspects:
    """Gathers encoded rows and COPYs them; `len` is how many there were."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._gathered: list[pa.BinaryArray] = []
        self._bytes = 0
        self._rows = 0

    def __len__(self) -> int:
        return self._rows

    def add(self, rows: pa.BinaryArray) -> None:
        """Take encoded events (`encoding`)."""
        self._rows += len(rows)
        self._bytes += rows.nbytes
        self._gathered.append(rows)
        if self._bytes >= GATHERED_BYTES:
            self.flush()

    def note(self, rows: int) -> None:
        """So many were put into the table by a statement."""
        self._rows += rows

    def flush(self) -> None:
        """COPY what was gathered."""
        if self._gathered:
            copy_rows(self._cursor, SUSPECTS, EVENT_COLUMNS, pa.concat_arrays(self._gathered))
            self._gathered, self._bytes = [], 0
