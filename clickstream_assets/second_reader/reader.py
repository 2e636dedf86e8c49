"""Reading an event file: from its bytes to events and rejects, in the order of its lines."""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal, cast

from clickstream_assets.contract import REPLAY_OF
from clickstream_assets.second_reader.layout import (
    FileLayout,
    Start,
    find_start,
    given_layout,
    known_start,
    read_layout,
)
from clickstream_assets.second_reader.lines import split_records
from clickstream_assets.second_reader.mapping import AuditMapping, columns_of
from clickstream_assets.second_reader.outcomes import Event, Record, Reject
from clickstream_assets.second_reader.recipes import Recipes
from clickstream_assets.second_reader.rows import Bounds, RowReader
from clickstream_assets.second_reader.texts import Values

_REPLAYED = re.compile(REPLAY_OF.encode() + rb"[,;\t|]")
BLOCK_BYTES = 1024 * 1024
GZIP = b"\x1f\x8b"


class UnreadableError(Exception):
    """The file cannot be read. The message is one sentence."""


def read_bytes(
    content: bytes,
    mapping: AuditMapping | None = None,
    *,
    layout: FileLayout | None = None,
    identical_rows: Literal["merge", "keep"] = "merge",
    bounds: Bounds | None = None,
    path: str = "",
) -> list[Event | Reject]:
    """All events and rejects of a file with this content, header included, plain or gzip.

    `layout`: what to take the header for; by default it is read. `bounds`: the moments that events may have;
    without them only times before the year 2000 are out of range. `path`: of the file.

    Raises:
        LayoutError: the first line is no header of events.
    """
    if content.startswith(GZIP):
        content = gzip.decompress(content)
    mapping = mapping or AuditMapping()
    start = start_of(content, mapping)
    if layout is None:
        layout = layout_of(content, start, mapping)
    reader = RowReader(layout, mapping, identical_rows, bounds, path)
    records = split_records(iter([content[start.size :]]), layout, start.size, start.next_line)
    return [reader.read(record) for record in records]


def start_of(content: bytes, mapping: AuditMapping) -> Start:
    """What stands before the first record."""
    if mapping.header is None or _REPLAYED.match(content):
        return find_start(content)
    mark = b"\xef\xbb\xbf"
    return Start(b"", len(mark) if content.startswith(mark) else 0, 1)


def layout_of(content: bytes, start: Start, mapping: AuditMapping, escape: str | None = None) -> FileLayout:
    """The columns of a file, by its header or by the mapping. `escape`: where the mapping does not say it.

    Raises:
        LayoutError: the first line is no header of events.
    """
    escape = mapping.escape or escape
    if mapping.header is not None and not start.header:
        first, _, _ = content[start.size :].lstrip().partition(b"\n")
        return given_layout(mapping.header, first, mapping.delimiter, escape)
    return read_layout(
        start,
        mapping.columns,
        escape,
        delimiter=mapping.delimiter,
        given=mapping.fields,
        not_required=mapping.optional,
        more_fields=lambda layout: _of_columns(layout, mapping),
    )


def _of_columns(layout: FileLayout, mapping: AuditMapping) -> int:
    """How many fields the mapping makes of columns that are there."""
    recipes = Recipes(layout, Values(()), "", None)
    return sum(bool(columns_of(recipe)) and recipes.has(recipe) for recipe in mapping.fields.values())


def open_records(
    path: bytes,
    compression: str | None,
    layout: FileLayout,
    header_bytes: int = 0,
    *,
    has_header: bool = True,
) -> tuple[Start, Iterator[Record]]:
    """The beginning of the file at `path`, and its records. `header_bytes`: of the content before the first of them; 0:
    that is the first line, where it has a header.

    Raises:
        UnreadableError: now, or while the records are read.
    """
    blocks = _blocks(path, compression)
    content = b""
    for block in blocks:
        content += block
        if len(content) >= header_bytes and b"\n" in content:
            break
    start = known_start(content, header_bytes, has_header=has_header)
    rest = _chain(content[start.size :], blocks)
    return start, split_records(rest, layout, start.size, start.next_line)


def _blocks(path: bytes, compression: str | None) -> Iterator[bytes]:
    try:
        with Path(os.fsdecode(path)).open("rb") as file:
            plain = cast(BinaryIO, gzip.GzipFile(fileobj=file)) if compression == "gzip" else file
            while block := plain.read(BLOCK_BYTES):
                yield block
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UnreadableError(f"its gzip data is damaged: {error}") from None
    except OSError as error:
        raise UnreadableError(f"it cannot be read: {error.strerror}") from None


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest
