"""Rows of a Parquet file: their texts, what is wrong with them, and how they are shown as evidence."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from spark.reading.column_texts import json_member, texts_of
from spark.reading.fields import Columns, Split
from spark.reading.flags import Flag
from spark.reading.records import MAX_RECORD_BYTES, Indices


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
