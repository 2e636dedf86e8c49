"""What stands before the first record of a file: its header, and what programs write in front of one.

In front of a header may stand blank lines, lines of nothing but delimiters (an empty row of a spreadsheet), and one
that names the delimiter, as Excel writes it: `sep=;`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from clickstream_assets.contract import REPLAY_OF
from spark.mapping.source_mapping import DELIMITERS, UNMAPPED, SourceMapping
from spark.reading.header import (
    MAX_HEADER_BYTES,
    HeaderError,
    Layout,
    given_header,
    names_of_log,
    parse_header,
)

_MARK = b"\xef\xbb\xbf"  # the byte-order mark
_UNSEEN = rb"\xef\xbb\xbf|\xe2\x80\x8b|\xe2\x81\xa0|\xc2\xa0"  # byte-order mark, zero-width space, word joiner, NBSP
_BLANK = re.compile(rb'(?:[\s,;|"]|' + _UNSEEN + rb")*+")
_REPLAYED = re.compile(
    REPLAY_OF.encode() + rb"[^\w\r\n]"
)  # a file of `rejects replay` has a header in any case
# What stands before the columns in the W3C's format of logs, as IIS and CloudFront write it.
_DIRECTIVE = re.compile(rb"#(?:Version|Software|Date|Start-Date|End-Date|Remark): ?", re.IGNORECASE)
_SEPARATOR = re.compile(rb"(?:\s|" + _UNSEEN + rb')*+"?sep=(\\t|[^\r\n])"?\s*+', re.IGNORECASE)


@dataclass(frozen=True)
class Preamble:
    """All before the first record. `header` is its last line; of a file without one, empty."""

    content: bytes
    header: bytes
    delimiter: str | None  # where a line names it
    next_line: int  # the number of the line behind it

    def __len__(self) -> int:
        return len(self.content)


def read_beginning(
    blocks: Iterator[bytes], mapping: SourceMapping, problems: list[HeaderError] | None = None
) -> tuple[Preamble, Layout, Iterator[bytes]]:
    """The preamble of a file, what its columns are, and the blocks behind the preamble.

    Args:
        problems: takes the error where the columns are known all the same, which then is not raised.

    Raises:
        HeaderError: by its columns no event can be read.
    """
    if mapping.header is None:
        preamble, blocks = take_preamble(blocks, mapping)
        delimiter = preamble.delimiter
        if names_of_log(preamble.header) is not None:
            delimiter, blocks = _delimiter_of_log(blocks)
        try:
            return preamble, parse_header(preamble.header, mapping, delimiter), blocks
        except HeaderError as error:
            return preamble, in_spite_of(error, problems), blocks
    data, skipped = b"", (0, 1)
    for block in blocks:
        data += block
        skipped = _skipped(data, mapping)
        if len(data) > MAX_HEADER_BYTES or b"\n" in data[skipped[0] :].strip():
            break
    if _REPLAYED.match(data):
        return read_beginning(_chain(data, blocks), replace(mapping, header=None), problems)
    mark, next_line = skipped
    line, _, _ = data[mark:].lstrip().partition(b"\n")
    try:
        layout = given_header(mapping.header, line[:MAX_HEADER_BYTES], mapping)
    except HeaderError as error:
        layout = in_spite_of(error, problems)
    return Preamble(data[:mark], b"", None, next_line), layout, _chain(data[mark:], blocks)


def _delimiter_of_log(blocks: Iterator[bytes]) -> tuple[str, Iterator[bytes]]:
    """The names of columns stand between blanks; the values do, or between tabs."""
    data = b""
    for block in blocks:
        data += block
        if b"\n" in data:
            break
    return "\t" if b"\t" in data.partition(b"\n")[0] else " ", _chain(data, blocks)


def in_spite_of(error: HeaderError, problems: list[HeaderError] | None) -> Layout:
    """The layout of an error that is kept, and not raised, where it has one."""
    if problems is None or error.layout is None:
        raise error
    problems.append(error)
    return error.layout


def _skipped(data: bytes, mapping: SourceMapping) -> tuple[int, int]:
    """Where what the mapping has passed over ends, and the number of the line that begins there."""
    at, line = len(_MARK) if data.startswith(_MARK) else 0, 1
    if _REPLAYED.match(data):
        return at, line
    comment = None if mapping.comment is None else mapping.comment.encode()
    while at <= MAX_HEADER_BYTES and (end := data.find(b"\n", at) + 1):
        if line > mapping.skip_lines and (comment is None or not data.startswith(comment, at)):
            break
        at, line = end, line + 1
    return at, line


def take_preamble(
    blocks: Iterator[bytes], mapping: SourceMapping = UNMAPPED
) -> tuple[Preamble, Iterator[bytes]]:
    """The preamble of a file's `blocks`, and the blocks behind it."""
    data, start, line, delimiter = b"", 0, 1, None
    for block in blocks:
        data += block
        if line == 1 or line <= mapping.skip_lines or mapping.comment is not None:
            passed, at_line = _skipped(data, mapping)
            if at_line > line:
                start, line = passed, at_line
        while (end := data.find(b"\n", start) + 1) and start <= MAX_HEADER_BYTES:
            text = data[start:end]
            if found := _SEPARATOR.fullmatch(text):
                delimiter = _delimiter(found[1])
            elif not _BLANK.fullmatch(text) and not _DIRECTIVE.match(text.removeprefix(_MARK)):
                return _cut(data, start, end, line, delimiter), _chain(data[end:], blocks)
            start, line = end, line + 1
        if len(data) - start > MAX_HEADER_BYTES or start > MAX_HEADER_BYTES:
            break
    end = data.find(b"\n", start) + 1 or len(data)
    return _cut(data, start, end, line, delimiter), _chain(data[end:], blocks)


def _cut(data: bytes, start: int, end: int, line: int, delimiter: str | None) -> Preamble:
    return Preamble(data[:end], data[start:end], delimiter, line + 1)


def _delimiter(named: bytes) -> str | None:
    text = named.decode("latin-1").replace("\\t", "\t")
    return text if text in DELIMITERS else None


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from rest
