"""Splitting the bytes of a CSV file into records, without a Python loop over lines.

Belongs here: where a record starts and ends, its line number, and the defects that show in its bytes alone.
Does not belong here: what its fields mean (`cleaning`), or where the bytes come from (`content`).

A record ends at a newline outside quotes. A quoted field may span lines as long as the record is at most
`MAX_MULTILINE_BYTES` long and then has the header's number of fields; where it has not, the line with the open quote
is a record of its own, flagged `UNBALANCED_QUOTE`, and reading resumes at the next line, so that one stray quote costs
one row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from spark.reading.quotes import (
    BY_BACKSLASH,
    CARRIAGE_RETURN,
    NEWLINE,
    QUOTE,
    good_record,
    read_record,
    structural_quotes,
)

MAX_MULTILINE_BYTES = 64 * 1024  # a quote that has not closed by then was a stray one
MAX_RECORD_BYTES = 1024 * 1024  # a longer line is no event; its first KEPT_BYTES are kept as evidence
KEPT_BYTES = 64 * 1024
MAX_BLANK_BYTES = 64  # a line of white space only, at most so long, is blank

Indices = npt.NDArray[np.int64]


class Flag(IntEnum):
    """What is wrong with a record's bytes. The names, in lower case, are the reasons of the rejects.

    Of several, LINE_TOO_LONG comes first (the rest of such a line is not looked at), then in this order.
    """

    NONE = 0
    UNBALANCED_QUOTE = 1
    LINE_TOO_LONG = 2
    NUL_BYTE = 3
    INVALID_UTF8 = 4
    BACKSLASH_ESCAPE = 5  # a quote behind a backslash: what is meant is in doubt (`fields`)
    TEXT_AFTER_QUOTE = 6  # between a closing quote and the end of the field (`fields`)
    CHUNK_CHANGED = 100  # no record: the file is not what intake saw, and none of it may be used
    CHUNK_UNREADABLE = 101  # no record: intake could read the file, this task cannot


@dataclass(frozen=True)
class Records:
    """A run of records. Arrays are parallel; a `values` entry includes its line end, if it has one."""

    values: pa.BinaryArray
    line_numbers: Indices
    offsets: Indices  # of the record's first byte, in the (decompressed) content
    lengths: Indices  # true length, where `values` was cut too
    flags: npt.NDArray[np.int8]
    end_offset: int  # where reading goes on after this run, blank lines included
    end_line: int

    def __len__(self) -> int:
        return len(self.flags)


@dataclass(frozen=True)
class Count:
    """How many records lie before `end_offset`, since the count before."""

    records: int
    end_offset: int
    end_line: int


@dataclass(frozen=True)
class _Run:
    """The records in the first `used` bytes of `data`, by their bounds in it, blank lines among them."""

    data: bytes
    used: int
    starts: Indices
    ends: Indices
    numbers: Indices
    flags: npt.NDArray[np.int8]
    offset: int  # of `data`
    end_offset: int
    end_line: int

    @property
    def lengths(self) -> Indices:
        return self.ends - self.starts


def split_blocks(
    blocks: Iterator[bytes], *, offset: int, line: int, fields: int, delimiter: str, escape: str | None
) -> Iterator[Records]:
    """Split consecutive `blocks` of one file, from `offset` (bytes) and `line` (number) on, into records.

    `fields` is the number of columns in the header; `delimiter` and `escape` are those of its layout. Blank lines are
    passed over, but counted as lines. The last record needs no newline. Memory is bound by the size of a block plus
    `MAX_RECORD_BYTES`.
    """
    for run in _runs(blocks, offset, line, _Dialect(fields, delimiter, escape == BY_BACKSLASH), _ignore):
        records = _records(run)
        if len(records):
            yield records


def count_blocks(
    blocks: Iterator[bytes],
    *,
    offset: int,
    line: int,
    fields: int,
    delimiter: str,
    escape: str | None,
    seen: Callable[[bytes, int], None],
) -> Iterator[Count]:
    """The same records, counted. `seen` is given all bytes in order, before the count that covers them: as blocks of
    which the first so many bytes are new."""
    for run in _runs(blocks, offset, line, _Dialect(fields, delimiter, escape == BY_BACKSLASH), seen):
        yield Count(len(run.starts) - int(_blank(run).sum()), run.end_offset, run.end_line)


@dataclass(frozen=True)
class _Dialect:
    fields: int
    delimiter: str
    by_backslash: bool


def _ignore(_data: bytes, _used: int) -> None:
    pass


def _runs(
    blocks: Iterator[bytes], offset: int, line: int, dialect: _Dialect, seen: Callable[[bytes, int], None]
) -> Iterator[_Run]:
    rest = b""
    for block in blocks:
        data = rest + block
        if len(data) > MAX_RECORD_BYTES and data.rfind(b"\n") == -1:
            run, data = _pass_over(data, blocks, offset, line, seen)
            yield run
            offset, line = run.end_offset, run.end_line
        run = _split(data, offset, line, dialect, final=False)
        offset, line, rest = run.end_offset, run.end_line, data[run.used :]
        if run.used:
            seen(data, run.used)
            yield run
    if rest:
        seen(rest, len(rest))
        yield _split(rest, offset, line, dialect, final=True)


def _pass_over(
    data: bytes, blocks: Iterator[bytes], offset: int, line: int, seen: Callable[[bytes, int], None]
) -> tuple[_Run, bytes]:
    """A line that is longer than a record may be, of which the beginning is kept, and the data behind it."""
    kept, end, rest = data[:KEPT_BYTES], offset + len(data), b""
    seen(data, len(data))
    for block in blocks:
        newline = block.find(b"\n") + 1
        seen(block, newline or len(block))
        end += newline or len(block)
        if newline:
            rest = block[newline:]
            break
    run = _Run(
        data=kept,
        used=len(kept),
        starts=np.zeros(1, np.int64),
        ends=np.array([end - offset]),
        numbers=np.array([line]),
        flags=np.array([Flag.LINE_TOO_LONG], np.int8),
        offset=offset,
        end_offset=end,
        end_line=line + 1,
    )
    return run, rest


def _split(data: bytes, offset: int, line: int, dialect: _Dialect, *, final: bool) -> _Run:
    """The records in `data`. Unless `final`, one that may go on behind it stays out, and all after it."""
    array = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(array == NEWLINE) + 1
    if final and (not len(ends) or ends[-1] != len(data)):
        ends = np.append(ends, len(data))
    starts = np.concatenate((np.zeros(1, np.int64), ends))[:-1]
    doubtful = _doubtful_lines(array, ends, dialect) if b'"' in data else ()
    joined, unbalanced, open_from = _join_lines(data, starts, ends, doubtful, dialect, final=final)
    if open_from is not None:
        starts, ends = starts[:open_from], ends[:open_from]
    used, lines = (int(ends[-1]), len(ends)) if len(ends) else (0, 0)
    flags = np.zeros(len(starts), np.int8)
    flags[[index for index in unbalanced if index < len(flags)]] = Flag.UNBALANCED_QUOTE
    numbers = np.arange(line, line + len(starts))
    if joined:
        keep = np.ones(len(starts), bool)
        ends = ends.copy()
        for first, last in joined:
            keep[first + 1 : last + 1] = False
            ends[first] = ends[last]
        starts, ends, flags, numbers = starts[keep], ends[keep], flags[keep], numbers[keep]
    return _Run(data, used, starts, ends, numbers, flags, offset, offset + used, line + lines)


def _doubtful_lines(array: npt.NDArray[np.uint8], ends: Indices, dialect: _Dialect) -> Indices:
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
    dialect: _Dialect,
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


def _records(run: _Run) -> Records:
    starts, lengths, flags, numbers = run.starts, run.lengths, run.flags, run.numbers
    data = run.data[: run.used]
    if len(flags) and flags[0] == Flag.LINE_TOO_LONG:
        values = pa.array([data], pa.binary())
    else:
        values = _as_binary_array(data, starts, lengths)
        flags = flags.copy()
        flags[lengths > MAX_RECORD_BYTES] = Flag.LINE_TOO_LONG
        if b"\0" in data:
            nul = np.flatnonzero(np.frombuffer(data, np.uint8) == 0)
            _flag(flags, np.searchsorted(run.ends, nul, side="right"), Flag.NUL_BYTE)
        if not data.isascii() and not _is_utf8(data):
            bad = [i for i, value in enumerate(values) if not _is_utf8(value.as_py())]
            _flag(flags, np.array(bad, np.int64), Flag.INVALID_UTF8)
        if (lengths > MAX_RECORD_BYTES).any():
            values = pa.array(
                [v if len(v) <= MAX_RECORD_BYTES else v[:KEPT_BYTES] for v in values.to_pylist()], pa.binary()
            )
        blank = _blank(run)
        if blank.any():
            good = ~blank
            values = values.filter(pa.array(good))
            starts, lengths, flags, numbers = starts[good], lengths[good], flags[good], numbers[good]
    return Records(values, numbers, starts + run.offset, lengths, flags, run.end_offset, run.end_line)


def _flag(flags: npt.NDArray[np.int8], indices: Indices, flag: Flag) -> None:
    """Flag those that have no flag yet."""
    flags[indices[flags[indices] == Flag.NONE]] = flag


def _as_binary_array(data: bytes, starts: Indices, lengths: Indices) -> pa.BinaryArray:
    """An Arrow array over `data` itself: records are contiguous, so their bounds are Arrow's offsets."""
    bounds = np.empty(len(starts) + 1, np.int32)
    bounds[:-1] = starts
    bounds[-1] = starts[-1] + lengths[-1] if len(starts) else 0
    return pa.Array.from_buffers(
        pa.binary(), len(starts), [None, pa.py_buffer(bounds.tobytes()), pa.py_buffer(data)]
    )


def _blank(run: _Run) -> npt.NDArray[np.bool_]:
    data, array = run.data, np.frombuffer(run.data, np.uint8)
    blank = np.zeros(len(run.starts), bool)
    for index in np.flatnonzero((run.lengths <= MAX_BLANK_BYTES) & (array[run.starts] <= 0x20)):
        blank[index] = not data[run.starts[index] : run.ends[index]].strip()
    return blank


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
