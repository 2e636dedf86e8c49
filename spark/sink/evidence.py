"""The records behind rows that PostgreSQL refused: their chunks are read again, for nobody else keeps a record's
bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from spark.cleaning.cleaned import kept
from spark.cleaning.columns import REJECT_SCHEMA
from spark.cleaning.time_bounds import TimeBounds
from spark.content.errors import ContentChanged, ContentError
from spark.sink.refusals import REASON
from spark.source.chunk_reader import read_records
from spark.source.chunks import ChunkToRead, registered_chunks

NO_MAPPING = "{}"  # nor is a field read
_ANY_TIME = TimeBounds(0, 0)  # no time is judged here


@dataclass(frozen=True)
class Evidence:
    """Finds the records of chunks; `root` is the events directory."""

    root: bytes

    def chunks(self, rows: Iterable[tuple[Any, ...]]) -> list[ChunkToRead]:
        """The chunks that `chunks.to_read` found."""
        return registered_chunks(rows, NO_MAPPING, _ANY_TIME)

    def rejects(self, chunks: Sequence[ChunkToRead], refused: Mapping[int, str]) -> pa.RecordBatch:
        """The refused rows of one file as rejects (`columns.REJECT_SCHEMA`).

        Args:
            chunks: of that file, in this micro-batch.
            refused: PostgreSQL's sentence, by line.

        Raises:
            ContentChanged: the file is no longer what the rows were read from.
        """
        lines = np.array(sorted(refused), np.int64)
        found: list[dict[str, object]] = []
        for chunk in chunks:
            try:
                for records in read_records(chunk.place(self.root), chunk):
                    rows = np.flatnonzero(np.isin(records.line_numbers, lines))
                    for at, offset, length, raw in zip(rows, *records.evidence(rows), strict=True):
                        line = int(records.line_numbers[at])
                        found.append(
                            {
                                "file_id": chunk.file_id,
                                "line_no": line,
                                "byte_offset": int(offset),
                                "byte_length": int(length),
                                "raw": kept(raw),
                                "reason": REASON,
                                "detail": refused[line],
                            }
                        )
            except ContentError as error:
                raise ContentChanged(error.detail) from None
        if len(found) != len(lines):
            raise ContentChanged("it has other lines")
        return pa.RecordBatch.from_pylist(found, schema=REJECT_SCHEMA)
