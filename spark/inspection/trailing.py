"""Delimiters at the end of lines: programs write one behind the last field of each row, but not in the header, or the
other way round. Where most of the first rows are so, and none is as the header says, its columns are fitted to them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

from spark.reading.header import Layout
from spark.reading.quotes import WITHOUT_QUOTES

LINES = 100  # that are looked at, at most …
BYTES = 64 * 1024  # … in so many bytes


def fitted(layout: Layout, blocks: Iterator[bytes]) -> tuple[Layout, Iterator[bytes]]:
    """The layout with a nameless last column more, or less, as the first rows have it; and all blocks again."""
    first: list[bytes] = []
    is_whole = True
    for block in blocks:
        first.append(block)
        if sum(map(len, first)) >= BYTES:
            is_whole = False
            break
    lines = b"".join(first)[:BYTES].split(b"\n")
    if not is_whole:
        del lines[-1:]  # cut
    rows = [_fields(line, layout) for line in [line for line in lines if line.strip()][:LINES]]
    return replace(layout, columns=_columns(layout.columns, rows)), chain(first, blocks)


def _columns(columns: tuple[str, ...], rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    count = len(columns)
    if not count or any(len(row) == count for row in rows):
        return columns
    longer = [row for row in rows if len(row) == count + 1]
    shorter = [row for row in rows if len(row) == count - 1]
    if columns[-1].strip() and _are_most(longer, rows) and not any(row[-1].strip() for row in longer):
        return (*columns, "")
    if not columns[-1].strip() and count > 1 and _are_most(shorter, rows):
        return columns[:-1]
    return columns


def _are_most(some: Sequence[object], rows: Sequence[object]) -> bool:
    return len(some) * 2 > len(rows)  # the others are footers, say


def _fields(line: bytes, layout: Layout) -> Sequence[str]:
    text = line.decode("utf-8", "replace").rstrip("\r")
    if '"' not in text or layout.escape in WITHOUT_QUOTES:
        return text.split(layout.delimiter)
    try:
        return next(csv.reader([text], delimiter=layout.delimiter), ())
    except csv.Error:
        return ()
