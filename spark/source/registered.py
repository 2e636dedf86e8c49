"""Registered chunks as the manifest has them (`chunks_to_read.sql`), ready to be read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from spark.content import FileState
from spark.fields import Columns
from spark.header import Layout
from spark.source.chunk_reader import ChunkToRead
from spark.time_bounds import TimeBounds


def registered_chunks(
    rows: Iterable[tuple[Any, ...]], mapped: Mapping[str, str], bounds: TimeBounds
) -> list[ChunkToRead]:
    """`mapped`: the names of columns that the source mapping says are ours."""
    columns: dict[int, Columns] = {}
    chunks = []
    for row in rows:
        layout_id = row[9]
        if layout_id not in columns:
            columns[layout_id] = Columns.of(Layout(tuple(row[10]), row[11], row[15]), mapped)
        chunks.append(
            ChunkToRead(
                seq=row[0],
                file_id=row[1],
                path=bytes(row[3]) if row[3] is not None else os.fsencode(row[2]),
                state=FileState(row[4], row[5], row[6], row[7]),
                compression=row[8],
                columns=columns[layout_id],
                bounds=bounds,
                byte_offset=row[12],
                byte_length=row[13],
                first_line=row[14],
                records_from=row[16],
                content_hash=None if row[17] is None else bytes(row[17]),
                is_last=not row[18],
            )
        )
    return chunks
