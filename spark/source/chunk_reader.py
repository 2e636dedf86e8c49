"""Reading one registered chunk in a task: its records, cleaned; and telling that a file is not what intake saw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from spark.cleaning.clean import Cleaned, Cleaning, Occurrences
from spark.content import ChunkHash, Content, ContentChanged, ContentError, FileState
from spark.fields import Columns
from spark.records import Flag, Records, split_blocks
from spark.time_bounds import TimeBounds


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
    records_from: int = 0  # byte of the file's first record
    content_hash: bytes | None = None  # `content.ChunkHash`; None: not compared
    is_last: bool = True  # of the file


def read_chunk(
    path: bytes, chunk: ChunkToRead, cleaning: Cleaning, occurrences: Occurrences | None = None
) -> Iterator[Cleaned | Flag]:
    """The rows of a chunk; last a flag, where the file is not what intake saw, which voids all of its rows."""
    try:
        for records in read_records(path, chunk):
            yield cleaning.clean(records, chunk.columns, chunk.file_id, chunk.bounds, occurrences)
    except ContentChanged:
        yield Flag.CHUNK_CHANGED
    except ContentError:
        yield Flag.CHUNK_UNREADABLE


def read_records(path: bytes, chunk: ChunkToRead) -> Iterator[Records]:
    """The records of a chunk.

    Raises:
        ContentChanged: perhaps only after the last record: the file is not what intake saw.
        ContentError: it cannot be read.
    """
    with Content(path) as content:
        if not chunk.state.same_content(content.state):
            raise ContentChanged("another state")
        digest = ChunkHash(content.head(chunk.compression, chunk.records_from))
        blocks = content.text_blocks(chunk.compression, chunk.byte_offset, chunk.byte_length)
        yield from split_blocks(
            digest.through(blocks) if chunk.content_hash is not None else blocks,
            offset=chunk.byte_offset,
            line=chunk.first_line,
            fields=chunk.columns.count,
            delimiter=chunk.columns.delimiter,
            escape=chunk.columns.escape,
        )
        if content.changed() or chunk.content_hash not in (None, digest.value()):
            raise ContentChanged("written to since it was registered")
