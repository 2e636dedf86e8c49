"""Inspection of one file by intake: hash it, read its header, count its records, cut it into chunks.

Belongs here: the one pass over all bytes before a file is registered. Does not belong here: finding files
(`discovery`) and the database (`manifest`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from spark.content import UTF8_BOM, Content, ContentChanged, ContentError, FileState
from spark.header import MAX_HEADER_BYTES, NOTHING, HeaderError, Layout, parse_header
from spark.records import split_blocks

CHUNK_BYTES = 16 * 1024 * 1024  # of plain text: large files spread over several tasks


@dataclass(frozen=True)
class Chunk:
    """A record-aligned piece of the (decompressed) content."""

    byte_offset: int
    byte_length: int
    first_line: int
    records: int
    disk_bytes: int


@dataclass(frozen=True)
class Inspection:
    """What intake knows of a file. `reason` is set where it cannot be read as events."""

    state: FileState
    content_hash: bytes | None = None
    compression: str | None = None
    layout: Layout | None = None
    chunks: tuple[Chunk, ...] = ()
    reason: str | None = None
    detail: str | None = None

    @property
    def records(self) -> int:
        return sum(chunk.records for chunk in self.chunks)


def inspect_file(
    path: bytes, mapped: Mapping[str, str] = NOTHING, chunk_bytes: int = CHUNK_BYTES
) -> Inspection:
    """Read the file at `path` once or, where it is gzip, twice. `mapped`: column names (lower case) to fields.

    Raises:
        ContentChanged: it vanished, or was written to while it was read; look again later.
    """
    content_hash: bytes | None = None
    state: FileState | None = None
    try:
        with Content(path) as content:
            state = content.state
            if state.size_bytes == 0:
                raise ContentError("empty_file", "It has no bytes.")
            content_hash = _hash(content)
            compression = content.compression(path)
            layout, chunks = _cut(content, compression, mapped, chunk_bytes)
            if content.changed():
                raise ContentChanged("written to while it was read")
            return Inspection(state, content_hash, compression, layout, chunks)
    except (ContentError, HeaderError) as error:
        if state is None:
            raise
        return Inspection(state, content_hash, reason=error.reason, detail=error.detail)


def _hash(content: Content) -> bytes:
    digest = hashlib.sha256()
    for block in content.disk_blocks():
        digest.update(block)
    return digest.digest()


def _cut(
    content: Content, compression: str | None, mapped: Mapping[str, str], chunk_bytes: int
) -> tuple[Layout, tuple[Chunk, ...]]:
    """The layout, and the chunks after the header. Gzip can only be read from its start: it is one chunk."""
    blocks = content.text_blocks(compression)
    header, header_bytes, blocks = take_header(blocks)
    layout = parse_header(header, mapped)
    chunks: list[Chunk] = []
    start, first_line, count, end, next_line = header_bytes, 2, 0, header_bytes, 2
    runs = split_blocks(
        blocks,
        offset=header_bytes,
        line=2,
        fields=len(layout.columns),
        delimiter=layout.delimiter,
        escape=layout.escape,
    )
    for run in runs:
        if compression is None and end - start >= chunk_bytes:
            # `end` is where the records so far end; blank lines behind it belong to the next chunk.
            chunks.append(Chunk(start, end - start, first_line, count, end - start))
            start, first_line, count = end, next_line, 0
        count += len(run)
        end, next_line = run.end_offset, run.end_line
    if count:
        disk_bytes = end - start if compression is None else content.state.size_bytes
        chunks.append(Chunk(start, end - start, first_line, count, disk_bytes))
    return layout, tuple(chunks)


def take_header(blocks: Iterator[bytes]) -> tuple[bytes, int, Iterator[bytes]]:
    """The first line, its length with BOM and line end, and the blocks after it."""
    data = b""
    for block in blocks:
        data += block
        if b"\n" in data or len(data) > MAX_HEADER_BYTES:
            break
    line_end = data.find(b"\n") + 1 or len(data)
    return data[:line_end].removeprefix(UTF8_BOM), line_end, _chain(data[line_end:], blocks)


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from rest
