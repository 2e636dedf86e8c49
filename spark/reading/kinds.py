"""What kind of text a file is: CSV, or JSON lines; and the columns of the second, which has no header."""

from __future__ import annotations

import re
from collections.abc import Iterator

from spark.mapping.file_plan import FilePlan
from spark.mapping.source_mapping import SourceMapping
from spark.reading.flags import Flag
from spark.reading.header import MAX_HEADER_BYTES, HeaderError, Layout
from spark.reading.objects import exact_object
from spark.reading.preamble import Preamble

MARK = b"\xef\xbb\xbf"

_LIST = re.compile(rb"\[\s*(?:\{|\[|\Z)")
_OPEN = re.compile(rb"\{\s*\Z")


def peeked(blocks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The beginning of a text, with its first line that is not blank (or much of it), and all blocks again."""
    data = b""
    for block in blocks:
        data += block
        if len(data) > MAX_HEADER_BYTES or b"\n" in data.removeprefix(MARK).lstrip():
            break
    return data, _again(data, blocks)


def begins_objects(beginning: bytes, mapping: SourceMapping) -> bool:
    """Whether a text that begins so is JSON lines.

    Raises:
        HeaderError: it is JSON of another kind.
    """
    line, _, _ = beginning.removeprefix(MARK).lstrip().partition(b"\n")
    line = line.strip()
    if mapping.header is not None:  # the columns of CSV, whose first field may be JSON
        return not isinstance(exact_object(line), Flag)
    if _LIST.match(line):
        raise HeaderError(
            "no_json_lines", "It is one list in JSON: write an object a line, without the list."
        )
    if _OPEN.fullmatch(line):
        raise HeaderError("no_json_lines", "Its JSON goes over several lines: write each object in one line.")
    return line.startswith(b"{")


def preamble_of_objects(blocks: Iterator[bytes]) -> tuple[Preamble, Iterator[bytes]]:
    """What stands before the first of them, which is a mark at most, and the blocks behind it."""
    data, blocks = peeked(blocks)
    mark = MARK if data.startswith(MARK) else b""
    return Preamble(mark, b"", None, 1), _without(mark, blocks)


def layout_of_keys(keys: tuple[str, ...], mapping: SourceMapping, encoding: str) -> Layout:
    """The columns of objects with these keys. What no object has, and the mapping or an event needs, is a column
    without a value, so that rows are judged and not the file.

    Raises:
        HeaderError: none of the keys is a field of ours.
    """
    if not keys:
        raise HeaderError("no_json_lines", "None of its lines is an object in JSON.")
    plan, columns = FilePlan.of(keys, mapping), keys
    if not plan.fit:
        names = "1 key" if len(keys) == 1 else f"{len(keys):,} keys"
        layout = Layout(columns, encoding=encoding, format="json")
        raise HeaderError("no_header", f"Its objects, of {names}, name none of our fields.", layout)
    while plan.absent or plan.missing:
        columns = (*columns, *(plan.absent or plan.missing))
        plan = FilePlan.of(columns, mapping)
    return Layout(columns, encoding=encoding, format="json")


def _without(mark: bytes, blocks: Iterator[bytes]) -> Iterator[bytes]:
    for block in blocks:
        yield block.removeprefix(mark)
        break
    yield from blocks


def _again(data: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if data:
        yield data
    yield from rest
