"""What kind of text a file is: CSV, or JSON; and the columns of the second, which has no header."""

from __future__ import annotations

import re
from collections.abc import Iterator

from spark.mapping.file_plan import FilePlan
from spark.mapping.source_mapping import SourceMapping
from spark.reading.flags import Flag
from spark.reading.header import MAX_HEADER_BYTES, Format, HeaderError, Layout
from spark.reading.objects import exact_object
from spark.reading.preamble import Preamble
from spark.reading.value_lines import Unfolding, end_of_value, in_one_line

MARK = b"\xef\xbb\xbf"

_LIST = re.compile(rb"\[\s*(?:\{|\[|\Z)")


def peeked(blocks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The beginning of a text, with its first line that is not blank (or much of it), and all blocks again."""
    data = b""
    for block in blocks:
        data += block
        if len(data) > MAX_HEADER_BYTES or b"\n" in data.removeprefix(MARK).lstrip():
            break
    return data, _again(data, blocks)


def objects_format(beginning: bytes, mapping: SourceMapping) -> Format | None:
    """Which kind of JSON a text is that begins so: an object a line, or otherwise written; None: it is CSV."""
    text = beginning.removeprefix(MARK).lstrip()
    line, _, behind = text.partition(b"\n")
    is_apart = unfolding_of(mapping) != Unfolding()
    if mapping.header is not None:  # the columns of CSV, whose first field may be JSON
        is_object = not isinstance(exact_object(line.strip()), Flag)
        return ("json_values" if is_apart else "json") if is_object else None
    if _LIST.match(text):
        return "json_values"
    if not text.startswith(b"{"):
        return None
    if is_apart:
        return "json_values"
    if exact_object(line.strip()) != Flag.NOT_JSON:
        return "json"
    if (end := end_of_value(text)) is None:  # it goes on, or the first of the lines is damaged
        return "json_values" if behind and not behind.lstrip().startswith(b"{") else "json"
    return "json" if exact_object(in_one_line(text[:end])) == Flag.NOT_JSON else "json_values"


def unfolding_of(mapping: SourceMapping) -> Unfolding:
    """How the mapping has values taken apart."""
    return Unfolding(mapping.records, mapping.items)


def preamble_of_objects(blocks: Iterator[bytes]) -> tuple[Preamble, Iterator[bytes]]:
    """What stands before the first of them, which is a mark at most, and the blocks behind it."""
    data, blocks = peeked(blocks)
    mark = MARK if data.startswith(MARK) else b""
    return Preamble(mark, b"", None, 1), _without(mark, blocks)


def layout_of_keys(
    keys: tuple[str, ...], mapping: SourceMapping, encoding: str, form: Format = "json"
) -> Layout:
    """The columns of objects with these keys. What no object has, and the mapping or an event needs, is a column
    without a value, so that rows are judged and not the file.

    Raises:
        HeaderError: none of the keys is a field of ours.
    """
    if not keys:
        what = "lines" if form == "json" else "values"
        raise HeaderError("no_json_lines", f"None of its {what} is an object in JSON, where NaN is none.")
    plan, columns = FilePlan.of(keys, mapping), keys
    if not plan.fit:
        names = "1 key" if len(keys) == 1 else f"{len(keys):,} keys"
        layout = Layout(columns, encoding=encoding, format=form)
        raise HeaderError("no_header", f"Its objects, of {names}, name none of our fields.", layout)
    while plan.absent or plan.missing:
        columns = (*columns, *(plan.absent or plan.missing))
        plan = FilePlan.of(columns, mapping)
    return Layout(columns, encoding=encoding, format=form)


def _without(mark: bytes, blocks: Iterator[bytes]) -> Iterator[bytes]:
    for block in blocks:
        yield block.removeprefix(mark)
        break
    yield from blocks


def _again(data: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if data:
        yield data
    yield from rest
