"""Inspection of one file by intake: hash it, read its header, count its records, cut it into chunks.

This is the pass over all bytes before a file is registered, for each kind of file that is read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import chain

from clickstream_assets.file_names import FileState
from spark.content.chunk_hash import ChunkHash
from spark.content.content import Content
from spark.content.errors import ContentChanged, ContentError
from spark.inspection.cut import Cut
from spark.inspection.dialect import escapes_by_backslash
from spark.inspection.inspection import Chunk, Inspection
from spark.inspection.trailing import fitted
from spark.mapping.encodings import UTF_8
from spark.mapping.file_plan import FilePlan
from spark.mapping.path_patterns import path_parts
from spark.mapping.source_mapping import UNMAPPED, Escape, SourceMapping
from spark.reading.header import Format, HeaderError, Layout
from spark.reading.kinds import layout_of_keys, objects_format, peeked, preamble_of_objects, unfolding_of
from spark.reading.objects import Keys
from spark.reading.parquet_files import FIRST_BYTE, ParquetFile, is_parquet
from spark.reading.preamble import Preamble, read_beginning
from spark.reading.quotes import BARE_BACKSLASH, BY_BACKSLASH, DOUBLED, NO_QUOTES
from spark.reading.value_lines import value_lines

CHUNK_BYTES = 8 * 1024 * 1024  # of plain text: large files spread over several tasks

ESCAPES: Mapping[Escape | None, str | None] = {
    "backslash": BY_BACKSLASH,
    "none": DOUBLED,
    "no_quotes": NO_QUOTES,
    "bare_backslash": BARE_BACKSLASH,
    None: None,
}


def inspect_file(
    path: bytes,
    mapping: SourceMapping = UNMAPPED,
    chunk_bytes: int = CHUNK_BYTES,
    *,
    name: str = "",
    within: bytes | None = None,
) -> Inspection:
    """Read the file at `path`: once, unless it is compressed, or in another encoding, or has backslashes before
    quotes.

    Args:
        mapping: what the producer calls things.
        name: the path as the ledger writes it, of which the mapping may take parts.
        within: a directory that links must not lead out of; None: they may lead anywhere.

    Raises:
        ContentChanged: it vanished, or was written to while it was read; look again later.
    """
    state: FileState | None = None
    try:
        with Content(path, within) as content:
            state = content.state
            try:
                found = _inspect(content, path, mapping, chunk_bytes)
                check_path(found.layout, mapping, name)
            except (ContentError, HeaderError) as error:
                is_cut = isinstance(error, ContentError) and error.is_cut
                found = Inspection(
                    state, _hash(content), reason=error.reason, detail=error.detail, is_unterminated=is_cut
                )
            if content.changed():
                raise ContentChanged("written to while it was read")
            return found
    except ContentError as error:
        if state is None:
            raise
        return Inspection(state, reason=error.reason, detail=error.detail)


def _hash(content: Content) -> bytes | None:
    digest = hashlib.sha256()
    for block in content.disk_blocks():
        digest.update(block)
    return digest.digest() if content.state.size_bytes else None


def check_path(layout: Layout | None, mapping: SourceMapping, name: str) -> None:
    """Raises: HeaderError: the path of the file does not say what the mapping takes from it."""
    if layout is None:
        return
    there = path_parts(name, mapping.path)
    absent = [part for part in FilePlan.of(layout.columns, mapping).path_names if part not in there]
    if absent:
        raise HeaderError(
            "missing_path_part",
            f"Its path does not say {', '.join(absent)}, which the source mapping takes from it.",
        )


def _inspect(content: Content, path: bytes, mapping: SourceMapping, chunk_bytes: int) -> Inspection:
    if content.state.size_bytes == 0:
        raise ContentError("empty_file", "It has no bytes.")
    if is_parquet(content):
        return _inspect_parquet(content, mapping, chunk_bytes)
    compression = content.compression(path)
    encoding = content.encoding(compression, mapping.encoding)
    beginning, blocks = peeked(content.text_blocks(compression, encoding=encoding))
    if (form := objects_format(beginning, mapping)) is not None:
        return _inspect_objects(content, blocks, compression, encoding, mapping, chunk_bytes, form)
    preamble, layout, blocks = read_beginning(blocks, mapping)
    escape = mapping.escape
    layout, blocks = fitted(replace(layout, escape=ESCAPES[escape], encoding=encoding), blocks)
    is_as_it_is = compression is None and encoding == UTF_8
    disk_bytes = None if is_as_it_is else content.state.size_bytes
    first = next(blocks, b"")
    is_judged = b'\\"' in first  # the usual file has none at all
    if escape is None and is_judged and _escapes(content, compression, preamble, layout):
        layout = replace(layout, escape=BY_BACKSLASH)
    # The pass for the judgement moved the position in the file.
    again = partial(content.text_blocks, compression, len(preamble), encoding=encoding)
    blocks = again() if is_judged else chain([first], blocks)
    cut = Cut(blocks, preamble, layout, chunk_bytes, content.state.size_bytes, disk_bytes)
    is_late = escape is None and not is_judged and cut.has_backslash_quote
    if is_late and _escapes(content, compression, preamble, layout):
        layout = replace(layout, escape=BY_BACKSLASH)
        cut = Cut(again(), preamble, layout, chunk_bytes, content.state.size_bytes, disk_bytes)
    return Inspection(
        content.state,
        cut.text_hash if is_as_it_is else _hash(content),
        compression,
        layout,
        len(preamble),
        tuple(cut.chunks),
        is_unterminated=cut.last_byte != b"\n",
    )


def _inspect_parquet(content: Content, mapping: SourceMapping, chunk_bytes: int) -> Inspection:
    """The same of Parquet: chunks are row groups, and all of them are decoded, so that damage shows here."""
    file = ParquetFile(content)
    layout = file.layout(mapping)
    pieces = file.pieces(chunk_bytes)
    starts = [FIRST_BYTE, *(piece[0].start for piece in pieces[1:]), file.data_end]
    chunks = []
    for piece, start, end in zip(pieces, starts, starts[1:], strict=False):
        data = content.read_range(start, end - start)
        digest = ChunkHash(file.footer)
        digest.update(data)
        rows = sum(len(found) for found in file.rows(piece, start, data))
        chunks.append(Chunk(start, end - start, piece[0].first_row, rows, end - start, digest.value()))
    return Inspection(
        content.state, _hash(content), layout=layout, header_bytes=FIRST_BYTE, chunks=tuple(chunks)
    )


def _inspect_objects(
    content: Content,
    blocks: Iterator[bytes],
    compression: str | None,
    encoding: str,
    mapping: SourceMapping,
    chunk_bytes: int,
    form: Format,
) -> Inspection:
    """The same of JSON: its columns are the keys of all objects."""
    if form == "json_values":
        blocks = value_lines(blocks, unfolding_of(mapping))
    preamble, blocks = preamble_of_objects(blocks)
    is_as_it_is = compression is None and encoding == UTF_8 and form == "json"
    disk_bytes = None if is_as_it_is else content.state.size_bytes
    keys = Keys()
    layout = Layout((), encoding=encoding, format=form)
    cut = Cut(blocks, preamble, layout, chunk_bytes, content.state.size_bytes, disk_bytes, keys)
    return Inspection(
        content.state,
        cut.text_hash if is_as_it_is else _hash(content),
        compression,
        layout_of_keys(keys.names, mapping, encoding, form),
        len(preamble),
        tuple(cut.chunks),
        is_unterminated=cut.last_byte != b"\n",
    )


def _escapes(content: Content, compression: str | None, preamble: Preamble, layout: Layout) -> bool:
    blocks = content.text_blocks(compression, len(preamble), encoding=layout.encoding)
    return escapes_by_backslash(blocks, offset=len(preamble), line=preamble.next_line, layout=layout)
