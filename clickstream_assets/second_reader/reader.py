"""Reading an event file: from its bytes to events and rejects, in the order of its lines."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Literal

from clickstream_assets.contract import REPLAY_OF
from clickstream_assets.second_reader.layout import (
    FileLayout,
    Start,
    find_start,
    given_layout,
    known_start,
    passed_over,
    read_layout,
    with_last_column,
)
from clickstream_assets.second_reader.lines import split_records
from clickstream_assets.second_reader.mapping import AuditMapping, columns_of
from clickstream_assets.second_reader.of_json.values import lines_of_values
from clickstream_assets.second_reader.outcomes import Event, Record, Reject
from clickstream_assets.second_reader.recipes import Recipes
from clickstream_assets.second_reader.rows import Bounds, RowReader
from clickstream_assets.second_reader.tables import table_records
from clickstream_assets.second_reader.texts import Values
from clickstream_assets.second_reader.unpacking import in_utf8, text_blocks, text_encoding, unpacked

_REPLAYED = re.compile(REPLAY_OF.encode() + rb"[^\w\r\n]")


def read_bytes(
    content: bytes,
    mapping: AuditMapping | None = None,
    *,
    layout: FileLayout | None = None,
    identical_rows: Literal["merge", "keep"] = "merge",
    bounds: Bounds | None = None,
    path: str = "",
) -> list[Event | Reject]:
    """All events and rejects of a file with this content, header included, however it is compressed and encoded.

    `layout`: what to take the header for; by default it is read. `bounds`: the moments that events may have;
    without them only times before the year 2000 are out of range. `path`: of the file.

    Raises:
        LayoutError: the first line is no header of events.
    """
    mapping = mapping or AuditMapping()
    content = text_of(content, mapping, layout)
    start = start_of(content, mapping, layout)
    if layout is None:
        layout = layout_of(content, start, mapping)
    reader = RowReader(layout, mapping, identical_rows, bounds, path)
    records = split_records(iter([content[start.size :]]), layout, start.size, start.next_line)
    return [reader.read(record) for record in records]


def text_of(content: bytes, mapping: AuditMapping, layout: FileLayout | None = None) -> bytes:
    """The text of a file with this content, in UTF-8; of JSON the lines."""
    content = unpacked(content)
    blocks = in_utf8(iter([content]), text_encoding(content, mapping.encoding))
    if layout is not None and layout.format == "json_values":
        blocks = lines_of_values(blocks, mapping.records, mapping.items)
    return b"".join(blocks)


def start_of(content: bytes, mapping: AuditMapping, layout: FileLayout | None = None) -> Start:
    """What stands before the first record."""
    is_csv = layout is None or layout.format == "csv"
    if _REPLAYED.match(content):
        return find_start(content)
    if is_csv and mapping.header is None:
        return find_start(content, mapping.skip_lines, mapping.comment)
    skip_lines, comment = (mapping.skip_lines, mapping.comment) if is_csv else (0, None)
    size, lines = passed_over(content, skip_lines, comment)
    return Start(b"", size, lines + 1)


def layout_of(content: bytes, start: Start, mapping: AuditMapping, escape: str | None = None) -> FileLayout:
    """The columns of a file, by its header or by the mapping. `escape`: where the mapping does not say it.

    Raises:
        LayoutError: the first line is no header of events.
    """
    escape = mapping.escape or escape
    rows = content[start.size :]
    if mapping.header is not None and not start.header:
        first, _, _ = rows.lstrip().partition(b"\n")
        return with_last_column(given_layout(mapping.header, first, mapping.delimiter, escape), rows)
    layout = read_layout(
        start,
        mapping.columns,
        escape,
        delimiter=mapping.delimiter,
        given=mapping.fields,
        not_required=mapping.optional,
        more_fields=lambda layout: _of_columns(layout, mapping),
    )
    return with_last_column(layout, rows)


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
    mapping: AuditMapping,
    has_header: bool = True,
) -> tuple[Start, Iterator[Record]]:
    """The beginning of the file at `path`, and its records. `header_bytes`: of the content before the first of them; 0:
    that is the first line, where it has a header.

    Raises:
        UnreadableError: now, or while the records are read.
    """
    if layout.format == "parquet":
        return Start(b"", header_bytes, 1), table_records(os.fsdecode(path))
    blocks = text_blocks(path, compression, layout.encoding)
    if layout.format == "json_values":
        blocks = lines_of_values(blocks, mapping.records, mapping.items)
    content = b""
    for block in blocks:
        content += block
        if len(content) >= header_bytes and b"\n" in content:
            break
    start = known_start(content, header_bytes, has_header=has_header)
    rest = _chain(content[start.size :], blocks)
    return start, split_records(rest, layout, start.size, start.next_line)


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest
