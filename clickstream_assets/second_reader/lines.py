"""The records of a file: where each begins and ends, and what is wrong with its bytes.

A record ends at a newline outside quotes. One of several lines has at most MAX_JOINED_BYTES and the header's number
of fields; else its first line is a record of its own, with the flaw `unbalanced_quote`, and reading resumes at the next
line. Blank lines are no records, but count as lines.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from clickstream_assets.second_reader.layout import BARE_BACKSLASH, FileLayout
from clickstream_assets.second_reader.outcomes import KEPT_BYTES, MAX_RECORD_BYTES, Record
from clickstream_assets.second_reader.quoting import QuotedRecord, read_record

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
        flaw, reading = None, None
        if layout.escape == BARE_BACKSLASH:
            line = _with_escaped_ends(line, ahead, lines)
        if line.length > MAX_RECORD_BYTES:
            flaw = "line_too_long"  # whatever else is wrong with it: the rest was not looked at
        elif layout.has_quotes and b'"' in line.data:
            reading = read_record(line.data, layout.separator, layout.backslash)
            if reading.is_open:
                joined = _join(line, ahead, lines, layout)
                if joined is None:
                    flaw = "unbalanced_quote"
                else:
                    line, reading = joined
        elif line.length <= MAX_BLANK_BYTES and not line.data.strip():
            continue
        if flaw is None and b"\0" in line.data:
            flaw = "nul_byte"
        yield Record(line.number, line.offset, line.length, line.data, flaw, reading)


def _with_escaped_ends(first: _Line, ahead: deque[_Line], lines: Iterator[_Line]) -> _Line:
    """`first` with the lines that follow it, as long as a backslash escapes the end."""
    while _is_escaped(first.data) and first.length <= MAX_RECORD_BYTES:
        following = ahead.popleft() if ahead else next(lines, None)
        if following is None:
            break
        if first.length + following.length > MAX_RECORD_BYTES:
            ahead.appendleft(following)
            break
        first = _Line(
            first.number, first.offset, first.length + following.length, first.data + following.data
        )
    return first


def _is_escaped(line: bytes) -> bool:
    if not line.endswith(b"\\\n"):
        return False
    text = line[:-1]
    return (len(text) - len(text.rstrip(b"\\"))) % 2 == 1


def _join(
    first: _Line, ahead: deque[_Line], lines: Iterator[_Line], layout: FileLayout
) -> tuple[_Line, QuotedRecord] | None:
    """`first` with the lines up to the end of its record, taken out of `ahead`; None where they make none."""
    parts = [first.data]
    length = first.length
    for index in range(MAX_JOINED_BYTES):
        if index == len(ahead):
            following = next(lines, None)
            if following is None:
                break
            ahead.append(following)
        length += ahead[index].length
        if length > MAX_JOINED_BYTES:
            break
        parts.append(ahead[index].data)
    data = b"".join(parts)
    reading = read_record(data, layout.separator, layout.backslash)
    if not reading.is_record(len(layout.columns)):
        return None
    record = data[: reading.end]
    for _ in range(record.count(b"\n", 0, -1)):
        ahead.popleft()
    return _Line(first.number, first.offset, len(record), record), reading


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
