"""Reading one registered chunk in a task: its records, cleaned; and telling that a file is not what intake saw."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from spark.cleaning.clean import Cleaned, Cleaning, Occurrences
from spark.reading.content import ChunkHash, Content, ContentChanged, ContentError
from spark.reading.fields import Columns
from spark.reading.header import Layout
from spark.reading.records import Flag, Records, split_blocks
from spark.source.chunks import ChunkToRead


@lru_cache(64)
def columns_of(layout: Layout, mapped: tuple[tuple[str, str], ...]) -> Columns:
    """Which columns of a file are our fields."""
    return Columns.of(layout, dict(mapped))


def read_chunk(
    path: bytes, chunk: ChunkToRead, cleaning: Cleaning, occurrences: Occurrences | None = None
) -> Iterator[Cleaned | Flag]:
    """The rows of a chunk; last a flag, where the file is not what intake saw, which voids all of its rows."""
    columns = columns_of(chunk.layout, chunk.mapped)
    try:
        for records in read_records(path, chunk):
            yield cleaning.clean(records, columns, chunk.file_id, chunk.bounds, occurrences)
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
            fields=len(chunk.layout.columns),
            delimiter=chunk.layout.delimiter,
            escape=chunk.layout.escape,
        )
        if content.changed() or chunk.content_hash not in (None, digest.value()):
            raise ContentChanged("written to since it was registered")
