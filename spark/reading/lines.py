"""Where records begin and end, and the line numbers that they have.

A record ends at a newline outside quotes. A quoted field may span lines as long as the record is at most
`MAX_MULTILINE_BYTES` long and then has the header's number of fields; where it has not, the line with the open quote
is a record of its own, flagged `UNBALANCED_QUOTE`, and reading resumes at the next line, so that one stray quote costs
one row.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from spark.reading.flags import Flag
from spark.reading.quotes import (
    CARRIAGE_RETURN,
    NEWLINE,
    QUOTE,
    escaped_ends,
    good_record,
    read_record,
    structural_quotes,
)

MAX_RECORD_BYTES = 1024 * 1024  # a longer line is no event
MAX_MULTILINE_BYTES = 64 * 1024  # a quote that has not closed by then was a stray one

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Lines:
    """Records, or blank lines, by their bounds in some bytes. The arrays are parallel."""

    starts: Indices
    ends: Indices
    numbers: Indices
    flags: npt.NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def lengths(self) -> Indices:
        return self.ends - self.starts

    def keep(self, mask: npt.NDArray[np.bool_]) -> Lines:
        return Lines(self.starts[mask], self.ends[mask], self.numbers[mask], self.flags[mask])


@dataclass(frozen=True)
class Run:
    """The records in the first `used` bytes of `data`, blank lines among them."""

    data: bytes
    used: int
    lines: Lines
    offset: int  # of `data`
    end_offset: int
    end_line: int


@dataclass(frozen=True)
class Dialect:
    """`fields`: the number of columns in the header."""

    fields: int
    delimiter: str
    by_backslash: bool
    has_quotes: bool = True  # so that a record may span lines
    has_bare_escapes: bool = False  # it may, behind a backslash


def split_lines(data: bytes, offset: int, line: int, dialect: Dialect, *, final: bool) -> Run:
    """The records in `data`, whose first byte is at `offset` of the content, in its line `line`.

    Unless `final`, a record that may go on behind `data` stays out, and all after it.
    """
    array = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(array == NEWLINE) + 1
    if final and (not len(ends) or ends[-1] != len(data)):
        ends = np.append(ends, len(data))
    starts = np.concatenate((np.zeros(1, np.int64), ends))[:-1]
    doubtful = _doubtful_lines(array, ends, dialect) if dialect.has_quotes and b'"' in data else ()
    joined, unbalanced, open_from = _join_lines(data, starts, ends, doubtful, dialect, final=final)
    if dialect.has_bare_escapes and b"\\\n" in data:
        joined, open_from = _join_escaped(array, starts, ends, final=final)
    if open_from is not None:
        starts, ends = starts[:open_from], ends[:open_from]
    used, count = (int(ends[-1]), len(ends)) if len(ends) else (0, 0)
    flags = np.zeros(count, np.int8)
    flags[[index for index in unbalanced if index < count]] = Flag.UNBALANCED_QUOTE
    lines = Lines(starts, ends, np.arange(line, line + count), flags)
    return Run(data, used, _joined(lines, joined), offset, offset + used, line + count)


def _joined(lines: Lines, joined: list[tuple[int, int]]) -> Lines:
    """Of the lines that form one record (first, last), the first one stands for all."""
    if not joined:
        return lines
    is_first = np.ones(len(lines), bool)
    ends = lines.ends.copy()
    for first, last in joined:
        is_first[first + 1 : last + 1] = False
        ends[first] = ends[last]
    return replace(lines, ends=ends).keep(is_first)


def _doubtful_lines(array: npt.NDArray[np.uint8], ends: Indices, dialect: Dialect) -> Indices:
    """The lines in which some quote does not plainly open or close a field, or remains open."""
    if not len(ends):
        return ends
    quotes = structural_quotes(array, by_backslash=dialect.by_backslash)
    before = np.searchsorted(quotes, ends)
    quotes = quotes[: before[-1]]
    opens, closes = np.zeros(256, bool), np.zeros(256, bool)
    opens[[ord(dialect.delimiter), NEWLINE]] = True
    closes[[ord(dialect.delimiter), NEWLINE, CARRIAGE_RETURN]] = True
    if not dialect.by_backslash:
        opens[QUOTE] = closes[QUOTE] = True  # the two halves of a doubled one
    in_front = array[quotes - 1]
    behind = array[np.minimum(quotes + 1, len(array) - 1)]
    if len(quotes) and quotes[0] == 0:
        in_front[0] = NEWLINE
    if len(quotes) and quotes[-1] == len(array) - 1:
        behind[-1] = NEWLINE
    # Each line has whole pairs: the usual case.
    if not (before & 1).any() and opens[in_front[0::2]].all() and closes[behind[1::2]].all():
        return ends[:0]
    counts = np.diff(before, prepend=0)
    row = np.repeat(np.arange(len(ends)), counts)
    is_opening = (np.arange(len(quotes)) - (before - counts)[row]) % 2 == 0
    is_plain = np.where(is_opening, opens[in_front], closes[behind])
    doubtful = counts % 2 == 1
    doubtful[row[~is_plain]] = True
    return np.flatnonzero(doubtful)


def _join_lines(
    data: bytes,
    starts: Indices,
    ends: Indices,
    doubtful: Indices | tuple[()],
    dialect: Dialect,
    *,
    final: bool,
) -> tuple[list[tuple[int, int]], list[int], int | None]:
    """Which lines form one record (first, last), which have a stray quote, and from which on all is undecided."""
    joined: list[tuple[int, int]] = []
    unbalanced: list[int] = []
    next_line = 0
    good = good_record(dialect.fields, dialect.delimiter, by_backslash=dialect.by_backslash)
    for index in doubtful:
        first = int(index)
        if first < next_line:
            continue
        start, line_end = int(starts[first]), int(ends[first])
        limit = min(max(line_end, start + MAX_MULTILINE_BYTES), len(data))
        match = good.match(data, start, limit)
        end = match.end() if match else 0
        if match is None or not (data[end - 1] == NEWLINE or (final and end == len(data))):
            found = read_record(data, start, limit, dialect.delimiter, by_backslash=dialect.by_backslash)
            if not found.is_open and found.end == line_end:
                continue
            is_whole = not found.is_open and data[found.end - 1] == NEWLINE
            if found.end == len(data) < start + MAX_MULTILINE_BYTES and not final and not is_whole:
                return joined, unbalanced, first
            unbalanced.append(first)
        elif end > line_end:
            next_line = int(np.searchsorted(ends, end)) + 1
            joined.append((first, next_line - 1))
    return joined, unbalanced, None


def _join_escaped(
    array: npt.NDArray[np.uint8], starts: Indices, ends: Indices, *, final: bool
) -> tuple[list[tuple[int, int]], int | None]:
    """Which lines form one record (first, last) because a backslash stands before their ends, and from which on all is
    undecided. A record becomes no longer than records may be."""
    joined: list[tuple[int, int]] = []
    for line in np.flatnonzero(escaped_ends(array, ends)).tolist():
        first = joined[-1][0] if joined and joined[-1][1] == line else line
        if line + 1 == len(ends):
            return (joined, None) if final else ([pair for pair in joined if pair[0] < first], first)
        if ends[line + 1] - starts[first] > MAX_RECORD_BYTES:
            continue
        if first == line:
            joined.append((line, line + 1))
        else:
            joined[-1] = (first, line + 1)
    return joined, None
