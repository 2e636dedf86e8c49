"""Parquet files: their footer, their row groups as ranges of bytes, and the rows of such a range.

The bytes of a range are read once, and both hashed and decoded from memory: what is stored is what was hashed.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from spark.content.content import Content
from spark.content.errors import ContentError
from spark.mapping.file_plan import FilePlan
from spark.mapping.source_mapping import SourceMapping
from spark.reading.column_texts import json_member, texts_of
from spark.reading.fields import Columns, Split
from spark.reading.flags import Flag
from spark.reading.header import HeaderError, Layout, check_plan
from spark.reading.records import MAX_RECORD_BYTES, Indices

MAGIC, ENCRYPTED = b"PAR1", b"PARE"
FIRST_BYTE = len(MAGIC)
BATCH_ROWS = 32_768

_BROKEN = (pa.ArrowException, OSError, ValueError, EOFError)


@dataclass(frozen=True)
class RowGroup:
    """Where a row group lies, and its rows; the first row of a file is number 1."""

    number: int
    start: int
    end: int
    first_row: int
    rows: int


@dataclass(frozen=True)
class Rows:
    """Some rows. `columns` are as Arrow has them, in the order of the layout."""

    columns: list[pa.Array]
    names: tuple[str, ...]
    line_numbers: Indices

    def __len__(self) -> int:
        return len(self.line_numbers)

    @cached_property
    def _made(self) -> list[tuple[pa.StringArray, npt.NDArray[np.bool_]]]:
        return [texts_of(column) for column in self.columns]

    @cached_property
    def texts(self) -> list[pa.StringArray]:
        """The texts of the columns."""
        return [texts for texts, _ in self._made]

    @cached_property
    def flags(self) -> npt.NDArray[np.int8]:
        """What is wrong with the bytes of each row."""
        flags = np.zeros(len(self), np.int8)
        for texts, wrong in self._made:
            if texts.nbytes and b"\0" in _data(texts):
                holds = pc.fill_null(pc.match_substring(texts, "\0"), False)
                flags[holds.to_numpy(zero_copy_only=False) & (flags == Flag.NONE)] = Flag.NUL_BYTE
            flags[wrong & (flags != Flag.INVALID_UTF8)] = Flag.INVALID_UTF8
        sizes = np.zeros(len(self), np.int64)
        for texts in self.texts:
            sizes += pc.fill_null(pc.binary_length(texts), 0).to_numpy(zero_copy_only=False)
        flags[sizes > MAX_RECORD_BYTES] = Flag.LINE_TOO_LONG
        return flags

    def evidence(self, rows: npt.NDArray[np.int64]) -> tuple[Indices, Indices, list[bytes]]:
        """Of some rows the offset, which they have none of, the length and the bytes of their JSON."""
        raw = [self.as_json(int(row)) for row in rows]
        return np.zeros(len(rows), np.int64), np.array([len(one) for one in raw], np.int64), raw

    def as_json(self, row: int) -> bytes:
        """A row as an object."""
        members = []
        for name, column, texts in zip(self.names, self.columns, self.texts, strict=True):
            text = texts[row].as_py()
            value = column[row].as_py() if text is None and column[row].is_valid else None
            members.append(
                json_member(pa.string(), name, None) + b":" + json_member(column.type, text, value)
            )
        return b"{" + b",".join(members) + b"}"

    @classmethod
    def joined(cls, parts: list[Rows], rows: int) -> Rows:
        """At most so many rows of several parts."""
        columns = [
            pa.concat_arrays(own)[:rows] for own in zip(*(part.columns for part in parts), strict=True)
        ]
        return cls(columns, parts[0].names, np.concatenate([part.line_numbers for part in parts])[:rows])


def split_rows(rows: Rows, is_candidate: npt.NDArray[np.bool_], columns: Columns) -> Split:
    """As `fields.split_records`."""
    good = None if is_candidate.all() else pa.array(is_candidate)
    texts = {at: _values(rows.texts[at], good) for at in columns.positions}
    return Split(is_candidate, texts, np.zeros(len(rows), np.int8))


def _values(texts: pa.StringArray, good: pa.BooleanArray | None) -> pa.StringArray:
    """Without those that are empty, or in no good row."""
    kept = pc.greater(pc.binary_length(texts), 0)
    if good is not None:
        kept = pc.and_(kept, good)
    return texts if pc.all(kept).as_py() else pc.if_else(kept, texts, pa.scalar(None, pa.string()))


def _data(texts: pa.StringArray) -> memoryview | bytes:
    data = texts.buffers()[2]
    return b"" if data is None else data.to_pybytes()


class ParquetFile:
    """The footer of an open file."""

    def __init__(self, content: Content) -> None:
        """Raises: ContentError: it has none that can be read."""
        self._content = content
        size = content.state.size_bytes
        end = content.read_range(max(0, size - 8), 8)
        if content.read_range(0, 4) == ENCRYPTED or end.endswith(ENCRYPTED):
            raise ContentError(
                "unsupported_format", "It is encrypted Parquet, of which there is no key here."
            )
        if not end.endswith(MAGIC) or size < 12:
            raise _damaged("it has no end", is_cut=True)
        length = int.from_bytes(end[:4], "little") + 8
        if length > size - 4:
            raise _damaged("its footer is longer than the file")
        self.footer = content.read_range(size - length, length)
        self.data_end = size - length
        try:
            self._metadata = pq.read_metadata(pa.BufferReader(MAGIC + self.footer))
            self.names = tuple(self._metadata.schema.to_arrow_schema().names)
            if len(set(self.names)) < len(self.names):
                raise ContentError("unsupported_format", "Two of its columns have the same name.")
            self.groups = self._row_groups()
        except _BROKEN as error:
            raise _damaged(_said(error)) from None

    def layout(self, mapping: SourceMapping) -> Layout:
        """Raises: HeaderError: by its columns no event can be read."""
        layout = Layout(self.names, format="parquet")
        if any("\0" in name for name in self.names):
            raise HeaderError("not_text", "The name of a column has a NUL character.")
        plan = FilePlan.of(self.names, mapping)
        if not plan.fit:
            text = f"Its {len(self.names):,} columns name none of our fields."
            raise HeaderError("no_header", text, layout)
        check_plan(plan, layout)
        return layout

    def _row_groups(self) -> list[RowGroup]:
        found, row = [], 1
        for number in range(self._metadata.num_row_groups):
            group = self._metadata.row_group(number)
            chunks = [group.column(at) for at in range(group.num_columns)]
            starts = [_start(chunk) for chunk in chunks]
            ends = [at + chunk.total_compressed_size for at, chunk in zip(starts, chunks, strict=True)]
            if group.num_rows:
                found.append(RowGroup(number, min(starts), max(ends), row, group.num_rows))
            row += group.num_rows
        return found

    def pieces(self, least_bytes: int) -> list[list[RowGroup]]:
        """The row groups in runs of about so many bytes; all in one, where they do not lie one after the other."""
        bounds = [4, *(at for group in self.groups for at in (group.start, group.end)), self.data_end]
        if any(some > others for some, others in itertools.pairwise(bounds)):
            return [self.groups] if self.groups else []
        found: list[list[RowGroup]] = []
        for group in self.groups:
            if not found or found[-1][-1].end - found[-1][0].start >= least_bytes:
                found.append([])
            found[-1].append(group)
        return found

    def groups_within(self, offset: int, length: int) -> list[RowGroup]:
        """Those that begin in a range of bytes."""
        return [group for group in self.groups if offset <= group.start < offset + length]

    def first_rows(self, rows: int) -> Rows | None:
        """At most so many, from the beginning; None where there are none.

        Raises:
            ContentError: they are damaged.
        """
        parts: list[Rows] = []
        for group in self.groups:
            data = self._content.read_range(group.start, group.end - group.start)
            for part in self.rows([group], group.start, data):
                parts.append(part)
                if sum(map(len, parts)) >= rows:
                    return Rows.joined(parts, rows)
        return Rows.joined(parts, rows) if parts else None

    def rows(self, groups: list[RowGroup], offset: int, data: bytes) -> Iterator[Rows]:
        """The rows of row groups, whose bytes are `data`, which begin at `offset`.

        Raises:
            ContentError: they are damaged.
        """
        source = pa.PythonFile(_Window(self._content.state.size_bytes, offset, data), mode="r")
        row = groups[0].first_row if groups else 1
        try:
            file = pq.ParquetFile(source, metadata=self._metadata, pre_buffer=False)
            numbers = [group.number for group in groups]
            for batch in file.iter_batches(BATCH_ROWS, row_groups=numbers, use_threads=False):
                lines = np.arange(row, row + batch.num_rows)
                row += batch.num_rows
                yield Rows(batch.columns, self.names, lines)
        except _BROKEN as error:
            raise _damaged(_said(error)) from None
        if groups and row != groups[-1].first_row + groups[-1].rows:
            raise _damaged("it has another number of rows than its footer says")


class _Window(io.RawIOBase):
    """A file of which one range is there."""

    def __init__(self, size: int, offset: int, data: bytes) -> None:
        self._size, self._offset, self._data, self._at = size, offset, data, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        start = self._at - self._offset
        end = len(self._data) if size < 0 else start + size
        if start < 0 or end > len(self._data):
            raise ValueError("its row groups lie elsewhere than its footer says")
        self._at += end - start
        return self._data[start:end]


def is_parquet(content: Content) -> bool:
    """Whether a file is Parquet, by its first bytes."""
    return content.read_range(0, 4) in (MAGIC, ENCRYPTED)


def _start(chunk: pq.ColumnChunkMetaData) -> int:
    first = chunk.dictionary_page_offset
    return int(min(first, chunk.data_page_offset) if first else chunk.data_page_offset)


def _damaged(why: str, *, is_cut: bool = False) -> ContentError:
    return ContentError("damaged_parquet", f"The Parquet data is damaged: {why}.", is_cut=is_cut)


def _said(error: BaseException) -> str:
    """The first line of what Arrow says, which quotes no value."""
    return str(error).partition("\n")[0].rstrip(".")[:200]
