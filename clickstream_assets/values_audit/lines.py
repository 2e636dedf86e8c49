"""The records of a file: where each begins and ends, and what is wrong with its bytes.

A record ends at a newline outside quotes. A line with an open quote goes on up to the next one such, where both
together have at most MAX_JOINED_BYTES and the header's number of fields; else it is a record of its own, with the flaw
`unbalanced_quote`, and reading resumes at the next line. Blank lines are no records, but count as lines.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from clickstream_assets.values_audit.layout import FileLayout
from clickstream_assets.values_audit.outcomes import KEPT_BYTES, MAX_RECORD_BYTES, Record
from clickstream_assets.values_audit.quoting import QuotingError, has_open_quote, split_fields

MAX_JOINED_BYTES = 64 * 1024
MAX_BLANK_BYTES = 64  # a longer line of white space is a record


class _Line(NamedTuple):
    number: int
    offset: int
    length: int
    data: bytes


def split_records(
    blocks: Iterator[bytes], layout: FileLayout, offset: int, line_no: int = 2
) -> Iterator[Record]:
    """The records in `blocks`, of which the first byte is at `offset`, on line `line_no`."""
    ahead: deque[_Line] = deque()
    lines = _lines(blocks, offset, line_no)
    while (line := ahead.popleft() if ahead else next(lines, None)) is not None:
        flaw = None
        if line.length > MAX_RECORD_BYTES:
            flaw = "line_too_long"  # whatever else is wrong with it: the rest was not looked at
        elif b'"' in line.data and has_open_quote(line.data, layout.backslash):
            joined = _join(line, ahead, lines, layout)
            line, flaw = (line, "unbalanced_quote") if joined is None else (joined, None)
        elif line.length <= MAX_BLANK_BYTES and not line.data.strip():
            continue
        if flaw is None and b"\0" in line.data:
            flaw = "nul_byte"
        yield Record(line.number, line.offset, line.length, line.data, flaw)


def _join(first: _Line, ahead: deque[_Line], lines: Iterator[_Line], layout: FileLayout) -> _Line | None:
    """`first` with the lines up to the next open quote, taken out of `ahead`; None where they are no record."""
    parts = [first]
    length = first.length
    while length <= MAX_JOINED_BYTES:
        if len(parts) > len(ahead):
            following = next(lines, None)
            if following is None:
                return None
            ahead.append(following)
        line = ahead[len(parts) - 1]
        parts.append(line)
        length += line.length
        if has_open_quote(line.data, layout.backslash):
            break
    data = b"".join(part.data for part in parts)
    if length > MAX_JOINED_BYTES or not _is_record(data, layout):
        return None
    for _ in parts[1:]:
        ahead.popleft()
    return _Line(first.number, first.offset, length, data)


def _is_record(data: bytes, layout: FileLayout) -> bool:
    text = data.decode("utf-8", "replace").rstrip("\r\n")
    try:
        return len(split_fields(text, layout.delimiter, layout.backslash)) == len(layout.columns)
    except QuotingError:
        return False


def _lines(blocks: Iterator[bytes], offset: int, number: int) -> Iterator[_Line]:
    """The lines of the blocks, line ends included. Of a line that is too long only the beginning is kept."""
    rest = b""
    dropped = 0  # bytes of an overlong line that `rest` lacks
    for block in blocks:
        *whole, last = block.split(b"\n")
        for piece in whole:
            data = rest + piece + b"\n" if rest else piece + b"\n"
            length = len(data) + dropped
            yield _Line(number, offset, length, data if length <= MAX_RECORD_BYTES else data[:KEPT_BYTES])
            offset += length
            number += 1
            rest, dropped = b"", 0
        rest += last
        if len(rest) + dropped > MAX_RECORD_BYTES:
            dropped += len(rest) - KEPT_BYTES
            rest = rest[:KEPT_BYTES]
    if rest:
        yield _Line(number, offset, len(rest) + dropped, rest)
