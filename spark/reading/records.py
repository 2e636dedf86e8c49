"""The records of a file, block by block, without a Python loop over lines; and the defects that show in their bytes.

Where a record ends is said by `lines`, what its fields are by `fields`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from spark.reading.flags import Flag
from spark.reading.header import Layout
from spark.reading.lines import MAX_RECORD_BYTES as MAX_RECORD_BYTES
from spark.reading.lines import Dialect, Indices, Lines, Run, split_lines
from spark.reading.quotes import BARE_BACKSLASH, BY_BACKSLASH, WITHOUT_QUOTES

KEPT_BYTES = 64 * 1024  # of a line that is too long, as evidence
MAX_BLANK_BYTES = 64  # a line of white space only, at most so long, is blank


def dialect_of(layout: Layout) -> Dialect:
    """How the records of a file are told apart."""
    has_quotes = layout.format == "csv" and layout.escape not in WITHOUT_QUOTES
    is_bare = layout.escape == BARE_BACKSLASH
    return Dialect(len(layout.columns), layout.delimiter, layout.escape == BY_BACKSLASH, has_quotes, is_bare)


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

    def evidence(self, rows: Indices) -> tuple[Indices, Indices, list[bytes]]:
        """Of some records the offset, the true length and the bytes."""
        values: list[bytes] = self.values.take(pa.array(rows)).to_pylist()
        return self.offsets[rows], self.lengths[rows], values


def joined(parts: Sequence[Records]) -> Records:
    """Several runs as one; each record has its line end, or they could not be told apart."""
    return Records(
        pa.concat_arrays([part.values for part in parts]),
        np.concatenate([part.line_numbers for part in parts]),
        np.concatenate([part.offsets for part in parts]),
        np.concatenate([part.lengths for part in parts]),
        np.concatenate([part.flags for part in parts]),
        parts[-1].end_offset,
        parts[-1].end_line,
    )


@dataclass(frozen=True)
class Count:
    """How many records lie before `end_offset`, since the count before."""

    records: int
    end_offset: int
    end_line: int


def split_blocks(blocks: Iterator[bytes], *, offset: int, line: int, dialect: Dialect) -> Iterator[Records]:
    """Split consecutive `blocks` of one file, from `offset` (bytes) and `line` (number) on, into records.

    Blank lines are passed over, but counted as lines. The last record needs no newline. Memory is bound by the size of
    a block plus `MAX_RECORD_BYTES`.
    """
    for run in _runs(blocks, offset, line, dialect, _ignore):
        records = _records(run)
        if len(records):
            yield records


def count_blocks(
    blocks: Iterator[bytes],
    *,
    offset: int,
    line: int,
    dialect: Dialect,
    seen: Callable[[bytes, int], None],
) -> Iterator[Count]:
    """The same records, counted. `seen` is given all bytes in order, before the count that covers them: as blocks of
    which the first so many bytes are new."""
    for run in _runs(blocks, offset, line, dialect, seen):
        yield Count(len(run.lines) - int(_blank(run).sum()), run.end_offset, run.end_line)


def _ignore(_data: bytes, _used: int) -> None:
    pass


def _runs(
    blocks: Iterator[bytes], offset: int, line: int, dialect: Dialect, seen: Callable[[bytes, int], None]
) -> Iterator[Run]:
    rest = b""
    for block in blocks:
        data = rest + block
        if len(data) > MAX_RECORD_BYTES and data.rfind(b"\n") == -1:
            run, data = _pass_over(data, blocks, offset, line, seen)
            yield run
            offset, line = run.end_offset, run.end_line
        run = split_lines(data, offset, line, dialect, final=False)
        offset, line, rest = run.end_offset, run.end_line, data[run.used :]
        if run.used:
            seen(data, run.used)
            yield run
    if rest:
        seen(rest, len(rest))
        yield split_lines(rest, offset, line, dialect, final=True)


def _pass_over(
    data: bytes, blocks: Iterator[bytes], offset: int, line: int, seen: Callable[[bytes, int], None]
) -> tuple[Run, bytes]:
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
    run = Run(
        data=kept,
        used=len(kept),
        lines=Lines(
            starts=np.zeros(1, np.int64),
            ends=np.array([end - offset]),
            numbers=np.array([line]),
            flags=np.array([Flag.LINE_TOO_LONG], np.int8),
        ),
        offset=offset,
        end_offset=end,
        end_line=line + 1,
    )
    return run, rest


def _records(run: Run) -> Records:
    """The records of a run: flagged, cut where they are too long, and without blank lines."""
    lines, data = run.lines, run.data[: run.used]
    if len(lines) and lines.flags[0] == Flag.LINE_TOO_LONG:
        values = pa.array([data], pa.binary())
    else:
        values = _as_binary_array(data, lines)
        lines = replace(lines, flags=_flags(data, lines, values))
        if (lines.lengths > MAX_RECORD_BYTES).any():
            values = pa.array(
                [v if len(v) <= MAX_RECORD_BYTES else v[:KEPT_BYTES] for v in values.to_pylist()], pa.binary()
            )
        blank = _blank(run)
        if blank.any():
            values, lines = values.filter(pa.array(~blank)), lines.keep(~blank)
    offsets = lines.starts + run.offset
    return Records(values, lines.numbers, offsets, lines.lengths, lines.flags, run.end_offset, run.end_line)


def _flags(data: bytes, lines: Lines, values: pa.BinaryArray) -> npt.NDArray[np.int8]:
    flags = lines.flags.copy()
    flags[lines.lengths > MAX_RECORD_BYTES] = Flag.LINE_TOO_LONG
    if b"\0" in data:
        nul = np.flatnonzero(np.frombuffer(data, np.uint8) == 0)
        _flag(flags, np.searchsorted(lines.ends, nul, side="right"), Flag.NUL_BYTE)
    if not data.isascii() and not _is_utf8(data):
        bad = [i for i, value in enumerate(values) if not _is_utf8(value.as_py())]
        _flag(flags, np.array(bad, np.int64), Flag.INVALID_UTF8)
    return flags


def _flag(flags: npt.NDArray[np.int8], indices: Indices, flag: Flag) -> None:
    """Flag those that have no flag yet."""
    flags[indices[flags[indices] == Flag.NONE]] = flag


def _as_binary_array(data: bytes, lines: Lines) -> pa.BinaryArray:
    """An Arrow array over `data` itself: records are contiguous, so their bounds are Arrow's offsets."""
    bounds = np.empty(len(lines) + 1, np.int32)
    bounds[:-1] = lines.starts
    bounds[-1] = lines.ends[-1] if len(lines) else 0
    return pa.Array.from_buffers(
        pa.binary(), len(lines), [None, pa.py_buffer(bounds.tobytes()), pa.py_buffer(data)]
    )


def _blank(run: Run) -> npt.NDArray[np.bool_]:
    """Which lines have white space alone."""
    lines, array = run.lines, np.frombuffer(run.data, np.uint8)
    blank = np.zeros(len(lines), bool)
    for index in np.flatnonzero((lines.lengths <= MAX_BLANK_BYTES) & (array[lines.starts] <= 0x20)):
        blank[index] = not run.data[lines.starts[index] : lines.ends[index]].strip()
    return blank


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
