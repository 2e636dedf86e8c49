"""Reading one registered chunk in a task: its records, cleaned; and telling that a file is not what intake saw."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache

from clickstream_assets.file_names import ledger_path
from spark.cleaning.clean import Cleaning
from spark.cleaning.cleaned import Cleaned, Occurrences
from spark.cleaning.file_shape import FileShape
from spark.content.chunk_hash import ChunkHash
from spark.content.content import Content
from spark.content.errors import ContentChanged, ContentError
from spark.mapping.mapping_file import recorded_mapping
from spark.outage import DirectoryAway, sentence_about
from spark.reading.flags import Flag
from spark.reading.header import Layout
from spark.reading.kinds import unfolding_of
from spark.reading.parquet_files import ParquetFile
from spark.reading.parquet_rows import Rows
from spark.reading.records import Records, dialect_of, split_blocks
from spark.reading.value_lines import value_lines
from spark.source.chunks import ChunkToRead


@lru_cache(16)
def cleaning_of(mapping: str) -> Cleaning:
    """The cleaning by a mapping, which is JSON."""
    return Cleaning(recorded_mapping(mapping))


@lru_cache(64)
def _shape_of(layout: Layout, mapping: str) -> FileShape:
    return FileShape.of(layout, cleaning_of(mapping).mapping)


def shape_of(chunk: ChunkToRead) -> FileShape:
    """How the file of a chunk is read."""
    return _shape_of(chunk.layout, chunk.mapping).at(ledger_path(chunk.path))


def read_chunk(
    path: bytes, chunk: ChunkToRead, occurrences: Occurrences | None = None, device: int | None = None
) -> Iterator[Cleaned | Flag]:
    """The rows of a chunk; last a flag, where the file is not what intake saw, which voids all of its rows.

    Raises:
        DirectoryAway: the file is gone with its directory, whose file system was `device`.
        OSError: it cannot be read at present.
    """
    cleaning, shape = cleaning_of(chunk.mapping), shape_of(chunk)
    for found in records_or_flag(path, chunk, device):
        if isinstance(found, Flag):
            yield found
        else:
            yield cleaning.clean(found, shape, chunk.file_id, chunk.bounds, occurrences)


def records_or_flag(
    path: bytes, chunk: ChunkToRead, device: int | None = None
) -> Iterator[Records | Rows | Flag]:
    """The records of a chunk; last a flag, where the file is not what intake saw. Raises as `read_chunk` does."""
    try:
        yield from read_records(path, chunk)
    except ContentChanged:
        _check_directory(path.removesuffix(chunk.path), device if chunk.directory is None else None)
        yield Flag.CHUNK_CHANGED
    except ContentError:
        yield Flag.CHUNK_UNREADABLE
    except OSError as error:
        error.filename = error.filename or path
        raise


def _check_directory(root: bytes, device: int | None) -> None:
    """Of a mount that is away, files are not changed."""
    try:
        found = os.stat(root).st_dev
    except OSError as error:
        raise DirectoryAway(sentence_about(error)) from None
    if device is not None and found != device:
        raise DirectoryAway(f"{ledger_path(root)} is in another file system than before")


def read_records(path: bytes, chunk: ChunkToRead) -> Iterator[Records | Rows]:
    """The records of a chunk.

    Raises:
        ContentChanged: perhaps only after the last record: the file is not what intake saw.
        ContentError: it cannot be read.
    """
    with Content(path) as content:
        if not chunk.state.same_content(content.state):
            raise ContentChanged("another state")
        encoding = chunk.layout.encoding
        if chunk.layout.format == "parquet":
            yield from _read_rows(content, chunk)
            return
        digest = ChunkHash(content.head(chunk.compression, chunk.records_from, encoding))
        if chunk.layout.format == "json_values":  # the whole file
            whole = content.text_blocks(chunk.compression, encoding=encoding)
            blocks = value_lines(whole, unfolding_of(cleaning_of(chunk.mapping).mapping))
        else:
            blocks = content.text_blocks(chunk.compression, chunk.byte_offset, chunk.byte_length, encoding)
        yield from split_blocks(
            digest.through(blocks) if chunk.content_hash is not None else blocks,
            offset=chunk.byte_offset,
            line=chunk.first_line,
            dialect=dialect_of(chunk.layout),
        )
        if content.changed() or chunk.content_hash not in (None, digest.value()):
            raise ContentChanged("written to since it was registered")


def _read_rows(content: Content, chunk: ChunkToRead) -> Iterator[Rows]:
    file = ParquetFile(content)
    digest = ChunkHash(file.footer)
    data = content.read_range(chunk.byte_offset, chunk.byte_length)
    digest.update(data)
    if content.changed() or chunk.content_hash not in (None, digest.value()):
        raise ContentChanged("written to since it was registered")
    yield from file.rows(file.groups_within(chunk.byte_offset, chunk.byte_length), chunk.byte_offset, data)
