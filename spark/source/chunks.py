"""What the manifest says of a chunk, ready to be read. Light to load, for the driver's process of the source."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from clickstream_assets.file_names import FileState
from spark.cleaning.time_bounds import TimeBounds
from spark.reading.header import Layout


@dataclass(frozen=True)
class ChunkToRead:
    """All that a task must know to read one chunk."""

    seq: int
    file_id: int
    path: bytes
    state: FileState
    compression: str | None
    layout: Layout
    mapping: str  # `SourceMapping.to_json`
    bounds: TimeBounds
    byte_offset: int
    byte_length: int
    first_line: int
    records_from: int = 0  # byte of the file's first record
    content_hash: bytes | None = None  # `content.ChunkHash`; None: not compared
    is_last: bool = True  # of the file
    directory: str | None = None  # of the source; None: the events directory

    def place(self, events_dir: bytes) -> bytes:
        """Where the file is."""
        root = events_dir if self.directory is None else os.fsencode(self.directory)
        return os.path.join(root, self.path)


@dataclass(frozen=True)
class TaskRead:
    """The chunks of one task, in order, and the micro-batch that they belong to."""

    index: int
    chunks: tuple[ChunkToRead, ...]
    batch_id: int
    after: int
    upto: int


def registered_chunks(rows: Iterable[tuple[Any, ...]], mapping: str, bounds: TimeBounds) -> list[ChunkToRead]:
    """`mapping`: of those that were registered before mappings were on record, as JSON."""
    chunks = []
    for row in rows:
        chunks.append(
            ChunkToRead(
                seq=row[0],
                file_id=row[1],
                path=bytes(row[3]) if row[3] is not None else os.fsencode(row[2]),
                state=FileState(row[4], row[5], row[6], row[7]),
                compression=row[8],
                layout=Layout(tuple(row[10]), row[11], row[15], row[21], row[22]),
                mapping=mapping if row[19] is None else row[19],
                bounds=bounds,
                byte_offset=row[12],
                byte_length=row[13],
                first_line=row[14],
                records_from=row[16],
                content_hash=None if row[17] is None else bytes(row[17]),
                is_last=not row[18],
                directory=row[20],
            )
        )
    return chunks
