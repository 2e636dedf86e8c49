"""Splitting regular records into their fields, in Arrow's CSV parser.

Belongs here: the fields of records on which every CSV parser agrees. Does not belong here: where a record ends
(`records`), what a value means, and records with odd quotes or another number of fields: those are not split here,
and `cleaning` splits them one by one, six times slower, from the raw record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from spark.header import FIELDS, Layout

NEWLINE, CARRIAGE_RETURN, QUOTE = 0x0A, 0x0D, 0x22
ASCII_WHITE_SPACE = " \t\r\n\f\v"
WHITE_SPACE = ASCII_WHITE_SPACE + "\u00a0\u3000"

FIELD_SCHEMA = ", ".join(
    ["is_split boolean", *(f"in_{field} string" for field in FIELDS), "extras array<string>"]
)


@dataclass(frozen=True)
class Columns:
    """Which columns of a file are our fields (`None`: it has no such), and which are not ours."""

    count: int
    delimiter: str
    fields: tuple[int | None, ...]  # in the order of FIELDS
    extras: tuple[int, ...]

    @classmethod
    def of(cls, layout: Layout) -> Columns:
        positions = layout.field_positions()
        fields = tuple(positions.get(field) for field in FIELDS)
        return cls(len(layout.columns), layout.delimiter, fields, tuple(layout.extra_columns().values()))


def split_fields(
    values: pa.BinaryArray, is_candidate: npt.NDArray[np.bool_], columns: Columns
) -> list[pa.Array]:
    """The columns of `FIELD_SCHEMA` for `values`, records with their line ends.

    Fields are trimmed, extras are as they are and null where empty. All are null where `is_split` is false: records
    that are no candidate, have quotes in unusual places, span lines, or have another number of fields.
    """
    rows = len(values)
    text = _text(values)
    chosen = is_candidate & _is_regular(
        values, text, columns.delimiter, all_candidates=bool(is_candidate.all())
    )
    parsed = None
    if chosen.any():
        if not chosen.all():
            text = _text(values.filter(pa.array(chosen)))
        parsed = _parse(text, int(chosen.sum()), columns)
    if parsed is None:
        return _nothing(rows)
    table, wrong = parsed
    split = np.flatnonzero(chosen)
    if wrong:
        split = np.delete(split, wrong)
    is_split = np.zeros(rows, bool)
    is_split[split] = True
    is_ascii = text.isascii()
    found = {name: table.column(name).combine_chunks() for name in table.column_names}
    indices = None
    if len(split) < rows:
        places = np.zeros(rows, np.int64)
        places[split] = np.arange(len(split))
        indices = pa.array(places, mask=~is_split)
    fields = [
        pa.nulls(rows, pa.string()) if at is None else _placed(_trim(found[str(at)], is_ascii), indices)
        for at in columns.fields
    ]
    extras = [_placed(found[str(at)], indices) for at in columns.extras]
    return [pa.array(is_split), *fields, _lists(extras, rows)]


def _is_regular(
    values: pa.BinaryArray, text: bytes, delimiter: str, *, all_candidates: bool
) -> npt.NDArray[np.bool_]:
    """Whether a record is one line whose quotes only open and close whole fields.

    Parsers disagree on anything else: a quote within a field, text after a closing quote, a lone carriage return.
    """
    regular = np.ones(len(values), bool)
    if all_candidates and _is_plainly_regular(text, len(values), delimiter):
        return regular
    bounds = _bounds(values)
    bounds -= bounds[0]
    data = np.frombuffer(text + b"\n", np.uint8)  # one more, so that the last byte has a successor
    separators = np.zeros(256, bool)
    separators[[ord(delimiter), NEWLINE, CARRIAGE_RETURN]] = True

    def row_of(positions: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return np.searchsorted(bounds, positions, side="right") - 1

    newlines = np.flatnonzero(data[:-1] == NEWLINE)
    row = row_of(newlines)
    regular[row[newlines + 1 < bounds[row + 1]]] = False
    returns = np.flatnonzero(data[:-1] == CARRIAGE_RETURN)
    regular[row_of(returns[data[returns + 1] != NEWLINE])] = False
    quotes = np.flatnonzero(data[:-1] == QUOTE)
    row = row_of(quotes)
    opens = (np.arange(len(quotes)) - np.searchsorted(row, row, side="left")) % 2 == 0
    begins = (quotes == bounds[row]) | (data[quotes - 1] == ord(delimiter))
    regular[row[~np.where(opens, begins, separators[data[quotes + 1]])]] = False
    regular[np.bincount(row, minlength=len(values)) % 2 == 1] = False
    return regular


def _is_plainly_regular(text: bytes, rows: int, delimiter: str) -> bool:
    """Whether all records are regular, told without looking at each: the usual case, five times quicker."""
    if text.count(b"\n") != rows - (not text.endswith(b"\n")) or text.count(b"\r") != text.count(b"\r\n"):
        return False
    data = np.frombuffer(b"\n" + text + b"\n", np.uint8)
    quotes = np.flatnonzero(data == QUOTE)
    if len(quotes) % 2:
        return False
    separators = np.zeros(256, bool)
    separators[[ord(delimiter), NEWLINE]] = True
    if not separators[data[quotes[0::2] - 1]].all():
        return False
    separators[CARRIAGE_RETURN] = True
    # Between the quotes of a pair there is no newline: each newline was one record's end above.
    return bool(separators[data[quotes[1::2] + 1]].all())


def _parse(text: bytes, rows: int, columns: Columns) -> tuple[pa.Table, list[int]] | None:
    """The wanted columns by their number, and which of the records have another number of fields."""
    wrong: list[int] = []

    def skip(row: csv.InvalidRow) -> str:
        wrong.append(row.number - 1)
        return "skip"

    names = [str(index) for index in range(columns.count)]
    wanted = [str(at) for at in (*columns.fields, *columns.extras) if at is not None]
    try:
        table = csv.read_csv(
            pa.BufferReader(text),
            csv.ReadOptions(use_threads=False, block_size=len(text) + 1, column_names=names),
            csv.ParseOptions(
                delimiter=columns.delimiter,
                newlines_in_values=False,
                ignore_empty_lines=False,
                invalid_row_handler=skip,
            ),
            csv.ConvertOptions(
                check_utf8=False,
                column_types=dict.fromkeys(wanted, pa.string()),
                include_columns=wanted,
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid:
        return None
    # Two counts that must agree; where they do not, the slow way is the right one.
    return (table, wrong) if table.num_rows + len(wrong) == rows else None


def _trim(column: pa.Array, is_ascii: bool) -> pa.Array:
    if is_ascii:
        return pc.ascii_trim(column, ASCII_WHITE_SPACE)
    return pc.utf8_trim(column, WHITE_SPACE)


def _placed(column: pa.Array, indices: pa.Array | None) -> pa.Array:
    return column if indices is None else column.take(indices)


def _lists(columns: Sequence[pa.Array], rows: int) -> pa.Array:
    """One list a row out of one array a column."""
    kind = pa.list_(pa.string())
    if not columns:
        return pa.nulls(rows, kind)
    width = len(columns)
    order = np.arange(width * rows).reshape(width, rows).T.ravel()
    flat = pa.concat_arrays(columns).take(pa.array(order))
    return pa.ListArray.from_arrays(pa.array(np.arange(0, width * rows + 1, width, dtype=np.int32)), flat)


def _nothing(rows: int) -> list[pa.Array]:
    fields = [pa.nulls(rows, pa.string()) for _ in FIELDS]
    return [pa.array(np.zeros(rows, bool)), *fields, pa.nulls(rows, pa.list_(pa.string()))]


def _bounds(values: pa.BinaryArray) -> npt.NDArray[np.int64]:
    offsets = np.frombuffer(values.buffers()[1], np.int32)[values.offset : values.offset + len(values) + 1]
    return offsets.astype(np.int64)


def _text(values: pa.BinaryArray) -> bytes:
    """The records end to end, as they lie in Arrow's buffer."""
    bounds = _bounds(values)
    return values.buffers()[2][int(bounds[0]) : int(bounds[-1])].to_pybytes()
