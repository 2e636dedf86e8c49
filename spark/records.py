"""Splitting the bytes of a CSV file into records, without a Python loop over lines.

Belongs here: where a record starts and ends, its line number, and the defects that show in its bytes alone.
Does not belong here: what its fields mean (`cleaning`), or where the bytes come from (`content`).

A record ends at a newline outside quotes. A quoted field may span lines as long as the record is at most
`MAX_MULTILINE_BYTES` long and then has the header's number of fields (RFC 4180); where it has not, the line with
the open quote is a record of its own, flagged `UNBALANCED_QUOTE`, and reading resumes at the next line, so that
one stray quote costs one row.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt
import pyarrow as pa

MAX_MULTILINE_BYTES = 64 * 1024  # a quote that has not closed by then was a stray one
MAX_RECORD_BYTES = 1024 * 1024  # a longer line is no event; its first KEPT_BYTES are kept as evidence
KEPT_BYTES = 64 * 1024
MAX_BLANK_BYTES = 64  # a line of white space only, at most so long, is blank

NEWLINE, QUOTE = 0x0A, 0x22

csv.field_size_limit(MAX_RECORD_BYTES)


class Flag(IntEnum):
    """What is wrong with a record's bytes. The names, in lower case, are the reasons of the rejects."""

    NONE = 0
    UNBALANCED_QUOTE = 1
    LINE_TOO_LONG = 2
    NUL_BYTE = 3
    INVALID_UTF8 = 4
    CHUNK_CHANGED = 100  # no record: the file is not what intake saw, and none of it may be used
    CHUNK_UNREADABLE = 101  # no record: intake could read the file, this task cannot


@dataclass(frozen=True)
class Records:
    """A run of records. Arrays are parallel; a `values` entry includes its line end, if it has one."""

    values: pa.BinaryArray
    line_numbers: npt.NDArray[np.int64]
    offsets: npt.NDArray[np.int64]  # of the record's first byte, in the (decompressed) content
    lengths: npt.NDArray[np.int64]  # true length, where `values` was cut too
    flags: npt.NDArray[np.int8]
    end_offset: int  # where reading goes on after this run, blank lines included
    end_line: int

    def __len__(self) -> int:
        return len(self.flags)


def split_blocks(
    blocks: Iterator[bytes], *, offset: int, line: int, fields: int, delimiter: str
) -> Iterator[Records]:
    """Split consecutive `blocks` of one file, from `offset` (bytes) and `line` (number) on, into records.

    `fields` is the number of columns in the header. Blank lines are passed over, but counted as lines. The
    last record needs no newline. Memory is bound by the size of a block plus `MAX_RECORD_BYTES`.
    """
    rest = b""
    for block in blocks:
        data = rest + block
        if len(data) > MAX_RECORD_BYTES and data.rfind(b"\n") == -1:
            skipper = _LongLine(data, offset, line)
            tail = skipper.skip(blocks)
            yield skipper.records()
            offset, line, rest = skipper.end, line + 1, tail
            if not tail:
                continue
            data = tail
        used, lines, records = _split(data, offset, line, fields, delimiter, final=False)
        if len(records):
            yield records
        offset, line, rest = offset + used, line + lines, data[used:]
    if rest:
        _, _, records = _split(rest, offset, line, fields, delimiter, final=True)
        if len(records):
            yield records


class _LongLine:
    """Passes over a line that is longer than a record may be, keeping its beginning."""

    def __init__(self, data: bytes, offset: int, line: int) -> None:
        self.kept = data[:KEPT_BYTES]
        self.start = offset
        self.end = offset + len(data)
        self.line = line

    def skip(self, blocks: Iterator[bytes]) -> bytes:
        for block in blocks:
            newline = block.find(b"\n")
            if newline >= 0:
                self.end += newline + 1
                return block[newline + 1 :]
            self.end += len(block)
        return b""

    def records(self) -> Records:
        return Records(
            values=pa.array([self.kept], pa.binary()),
            line_numbers=np.array([self.line], np.int64),
            offsets=np.array([self.start], np.int64),
            lengths=np.array([self.end - self.start], np.int64),
            flags=np.array([Flag.LINE_TOO_LONG], np.int8),
            end_offset=self.end,
            end_line=self.line + 1,
        )


def _split(
    data: bytes, offset: int, line: int, fields: int, delimiter: str, *, final: bool
) -> tuple[int, int, Records]:
    """Records in `data`, the bytes used and the lines in them. Unless `final`, an open record stays unused."""
    array = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(array == NEWLINE).astype(np.int64) + 1
    if final and (not len(ends) or ends[-1] != len(data)):
        ends = np.append(ends, len(data))
    starts = np.concatenate(([0], ends[:-1])) if len(ends) else np.empty(0, np.int64)
    odd = _odd_lines(array, ends) if b'"' in data else np.empty(0, np.int64)
    joined, unbalanced, open_from = _join_lines(data, starts, ends, odd, fields, delimiter, final=final)
    if open_from is not None:
        starts, ends = starts[:open_from], ends[:open_from]
    keep = np.ones(len(starts), bool)
    flags = np.zeros(len(starts), np.int8)
    flags[[index for index in unbalanced if index < len(flags)]] = Flag.UNBALANCED_QUOTE
    record_ends = ends.copy()
    for first, last in joined:
        keep[first + 1 : last + 1] = False
        record_ends[first] = ends[last]
    numbers = np.arange(line, line + len(starts), dtype=np.int64)
    used, lines = (int(ends[-1]), len(ends)) if len(ends) else (0, 0)
    if joined:
        starts, record_ends, flags, numbers = starts[keep], record_ends[keep], flags[keep], numbers[keep]
    records = _records(data[:used], array, starts, record_ends, flags, numbers, offset, line + lines)
    return used, lines, records


def _odd_lines(array: npt.NDArray[np.uint8], ends: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Indices of the lines with an odd number of quotes."""
    quotes = np.flatnonzero(array == QUOTE)
    before = np.searchsorted(quotes, ends)
    counts = np.diff(before, prepend=0)
    return np.flatnonzero(counts & 1)


def _join_lines(
    data: bytes,
    starts: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    odd: npt.NDArray[np.int64],
    fields: int,
    delimiter: str,
    *,
    final: bool,
) -> tuple[list[tuple[int, int]], list[int], int | None]:
    """Which lines form one record (first, last), which have a stray quote, and from which on all is undecided."""
    joined: list[tuple[int, int]] = []
    unbalanced: list[int] = []
    position = 0
    while position < len(odd):
        first = int(odd[position])
        start = int(starts[first])
        last = int(odd[position + 1]) if position + 1 < len(odd) else None
        if last is None and not final and len(data) - start <= MAX_MULTILINE_BYTES:
            return joined, unbalanced, first
        if (
            last is not None
            and ends[last] - start <= MAX_MULTILINE_BYTES
            and _is_record(data[start : ends[last]], fields, delimiter)
        ):
            joined.append((first, last))
            position += 2
        else:
            unbalanced.append(first)
            position += 1
    return joined, unbalanced, None


def _is_record(text: bytes, fields: int, delimiter: str) -> bool:
    try:
        rows = list(csv.reader([text.decode("utf-8", "replace")], delimiter=delimiter, strict=True))
    except csv.Error:
        return False
    return len(rows) == 1 and len(rows[0]) == fields


def _records(
    data: bytes,
    array: npt.NDArray[np.uint8],
    starts: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    flags: npt.NDArray[np.int8],
    numbers: npt.NDArray[np.int64],
    offset: int,
    end_line: int,
) -> Records:
    lengths = ends - starts
    values = _as_binary_array(data, starts, lengths)
    flags[lengths > MAX_RECORD_BYTES] = Flag.LINE_TOO_LONG
    if b"\0" in data:
        flags[np.searchsorted(ends, np.flatnonzero(array[: len(data)] == 0), side="right")] = Flag.NUL_BYTE
    if not data.isascii() and not _is_utf8(data):
        flags[[i for i, value in enumerate(values) if not _is_utf8(value.as_py())]] = Flag.INVALID_UTF8
    if (lengths > MAX_RECORD_BYTES).any():
        values = pa.array(
            [v if len(v) <= MAX_RECORD_BYTES else v[:KEPT_BYTES] for v in values.to_pylist()], pa.binary()
        )
    blank = _blank(data, array, starts, lengths)
    if blank.any():
        good = ~blank
        values = values.filter(pa.array(good))
        starts, lengths, flags, numbers = starts[good], lengths[good], flags[good], numbers[good]
    return Records(values, numbers, starts + offset, lengths, flags, offset + len(data), end_line)


def _as_binary_array(
    data: bytes, starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]
) -> pa.BinaryArray:
    """An Arrow array over `data` itself: records are contiguous, so their bounds are Arrow's offsets."""
    bounds = np.empty(len(starts) + 1, np.int32)
    bounds[:-1] = starts
    bounds[-1] = starts[-1] + lengths[-1] if len(starts) else 0
    return pa.Array.from_buffers(
        pa.binary(), len(starts), [None, pa.py_buffer(bounds.tobytes()), pa.py_buffer(data)]
    )


def _blank(
    data: bytes,
    array: npt.NDArray[np.uint8],
    starts: npt.NDArray[np.int64],
    lengths: npt.NDArray[np.int64],
) -> npt.NDArray[np.bool_]:
    blank = np.zeros(len(starts), bool)
    for index in np.flatnonzero((lengths <= MAX_BLANK_BYTES) & (array[starts] <= 0x20)):
        start = int(starts[index])
        blank[index] = not data[start : start + int(lengths[index])].strip()
    return blank


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
