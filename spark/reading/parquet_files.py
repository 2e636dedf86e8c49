"""Parquet files: their footer, their row groups as ranges of bytes, and decoding such a range.

The bytes of a range are read once, and both hashed and decoded from memory: what is stored is what was hashed.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from spark.content.content import Content
from spark.content.errors import ContentError
from spark.mapping.file_plan import FilePlan
from spark.mapping.source_mapping import SourceMapping
from spark.reading.header import HeaderError, Layout, check_plan
from spark.reading.parquet_rows import Rows

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
