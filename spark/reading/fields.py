"""Splitting records into the texts of their columns.

Records on which all CSV parsers agree go through Arrow's, thousands at a time. The others (quotes in unusual
places) are read one by one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from spark.reading.flags import Flag
from spark.reading.header import Layout
from spark.reading.quotes import (
    BARE_BACKSLASH,
    BY_BACKSLASH,
    NO_QUOTES,
    WITHOUT_QUOTES,
    bare_fields,
    bare_text,
    doubled_escapes,
    good_record,
    has_bare_return,
    read_record,
)
from spark.reading.regular_records import buffer_of, regular_records


@dataclass(frozen=True)
class Columns:
    """How the columns of a file are told apart, and which of them are wanted."""

    count: int
    delimiter: str
    escape: str | None  # as in `Layout`
    positions: tuple[int, ...]  # of those that are wanted, in their order
    names: tuple[str, ...] = ()  # of the keys, where the records are objects

    @classmethod
    def of(cls, layout: Layout, positions: Iterable[int]) -> Columns:
        names = layout.columns if layout.has_objects else ()
        wanted = tuple(sorted(set(positions)))
        return cls(len(layout.columns), layout.delimiter, layout.escape, wanted, names)


@dataclass(frozen=True)
class Split:
    """The texts of records by the position of their column: unquoted, and otherwise as they are in the file.

    `ok` is false for a record that is no candidate, has not as many fields as the header, or has a flag. A text is
    null where it is empty or its record is not `ok`.
    """

    ok: npt.NDArray[np.bool_]
    texts: Mapping[int, pa.StringArray]
    flags: npt.NDArray[
        np.int8
    ]  # BACKSLASH_ESCAPE or TEXT_AFTER_QUOTE where that is why a candidate is not `ok`


def split_records(values: pa.BinaryArray, is_candidate: npt.NDArray[np.bool_], columns: Columns) -> Split:
    """The texts at all positions of `columns` that are wanted, for `values`, records of UTF-8 with their line ends."""
    rows = len(values)
    text = buffer_of(values)
    if columns.escape in WITHOUT_QUOTES:
        has_lone_return = b"\r" in text and text.count(b"\r") != text.count(b"\r\n")
        regular = np.zeros(rows, bool) if has_lone_return else is_candidate.copy()
        if columns.escape == BARE_BACKSLASH and b"\\" in text:
            regular &= ~_has_escapes(values, columns.delimiter)
    else:
        regular = is_candidate & regular_records(
            values, text, columns.delimiter, columns.escape, all_candidates=bool(is_candidate.all())
        )
    quick = _split_regular(values, text, regular, columns)
    if quick is None:
        regular, found = np.zeros(rows, bool), {at: pa.nulls(rows, pa.string()) for at in columns.positions}
    else:
        regular, found = quick
    # A regular record with another number of fields has it for every parser; it comes here for nothing, and is rare.
    slow, flags = _split_one_by_one(values, is_candidate & ~regular, columns)
    ok = regular.copy()
    if slow:
        ok[list(slow)] = True
        mask = pa.array(ok & ~regular)
        for at in columns.positions:
            texts = pa.array([fields[at].decode() or None for fields in slow.values()], pa.string())
            found[at] = pc.replace_with_mask(found[at], mask, texts)
    return Split(ok, found, flags)


def _split_regular(
    values: pa.BinaryArray, text: bytes, regular: npt.NDArray[np.bool_], columns: Columns
) -> tuple[npt.NDArray[np.bool_], dict[int, pa.Array]] | None:
    """Which of the records were split, and the wanted columns, null for the others."""
    if not regular.any():
        return None
    if not regular.all():
        text = buffer_of(values.filter(pa.array(regular)))
    if columns.escape == BY_BACKSLASH:
        text = doubled_escapes(text)
    parsed = _parse(text, int(regular.sum()), columns)
    if parsed is None:
        return None
    table, wrong = parsed
    split = np.flatnonzero(regular)
    if wrong:
        split = np.delete(split, wrong)
    found = {at: table.column(str(at)).combine_chunks() for at in columns.positions}
    if len(split) == len(values):
        return regular, found
    is_split = np.zeros(len(values), bool)
    is_split[split] = True
    places = np.zeros(len(values), np.int64)
    places[split] = np.arange(len(split))
    indices = pa.array(places, mask=~is_split)
    return is_split, {at: column.take(indices) for at, column in found.items()}


def _split_one_by_one(
    values: pa.BinaryArray, chosen: npt.NDArray[np.bool_], columns: Columns
) -> tuple[dict[int, tuple[bytes, ...]], npt.NDArray[np.int8]]:
    """The fields of the chosen records by row, in order, without those that cannot be read; and why not, for all."""
    found: dict[int, tuple[bytes, ...]] = {}
    flags = np.zeros(len(values), np.int8)
    for row in np.flatnonzero(chosen).tolist():
        fields, flags[row] = read_fields(values[row].as_py(), columns)
        if fields is not None:
            found[row] = fields
    return found, flags


def read_fields(record: bytes, columns: Columns) -> tuple[tuple[bytes, ...] | None, Flag]:
    """The fields of one record; `None`, and perhaps a flag, where it cannot be read, or read in two ways.

    Where the dialect is not known and a backslash stands before a quote, both ways are tried: one that makes no sense
    of the record is no reason to reject it, and two that do are.
    """
    count, delimiter = columns.count, columns.delimiter
    if columns.escape == BARE_BACKSLASH:
        bare = bare_fields(record.removesuffix(b"\n").rstrip(b"\r"), delimiter)
        if len(bare) != count or any(map(has_bare_return, bare)):
            return None, Flag.NONE
        said = tuple(map(bare_text, bare))
        return (None, Flag.NUL_BYTE) if any(b"\0" in text for text in said) else (said, Flag.NONE)
    if columns.escape == NO_QUOTES:
        parts = record.removesuffix(b"\n").rstrip(b"\r").split(delimiter.encode())
        is_whole = len(parts) == count and not any(b"\r" in part for part in parts)
        return (tuple(parts) if is_whole else None), Flag.NONE
    by_backslash = columns.escape == BY_BACKSLASH
    found = read_record(record, 0, len(record), delimiter, by_backslash=by_backslash)
    is_good = found.is_good(count) and found.end == len(record)
    if columns.escape is None and found.has_backslash_quote:
        is_other = good_record(count, delimiter, by_backslash=True).fullmatch(record) is not None
        if is_other and read_record(record, 0, len(record), delimiter, by_backslash=True).escapes_quote:
            return None, Flag.BACKSLASH_ESCAPE
        if found.has_text_after_quote:
            return None, Flag.BACKSLASH_ESCAPE
    if found.has_text_after_quote:
        return None, Flag.TEXT_AFTER_QUOTE
    return (found.fields if is_good else None), Flag.NONE


def _has_escapes(values: pa.BinaryArray, delimiter: str) -> npt.NDArray[np.bool_]:
    """Which records have a backslash but for those of fields that are null."""
    end = re.escape(delimiter)
    bare = pc.replace_substring_regex(values, rf"(?:^|{end})(?:\\N(?:{end}|\r?\n|$))+", "")
    found: npt.NDArray[np.bool_] = pc.match_substring(bare, "\\").to_numpy(zero_copy_only=False)
    return found


def _parse(text: bytes, rows: int, columns: Columns) -> tuple[pa.Table, list[int]] | None:
    """The wanted columns by their number, and which of the records have another number of fields."""
    wrong: list[int] = []

    def skip(row: csv.InvalidRow) -> str:
        wrong.append(row.number - 1)
        return "skip"

    names = [str(index) for index in range(columns.count)]
    wanted = [str(at) for at in columns.positions]
    has_long_records = text.count(b"\n") > rows
    try:
        table = csv.read_csv(
            pa.BufferReader(text),
            csv.ReadOptions(use_threads=False, block_size=len(text) + 1, column_names=names),
            csv.ParseOptions(
                delimiter=columns.delimiter,
                quote_char=False if columns.escape in WITHOUT_QUOTES else '"',
                newlines_in_values=has_long_records,
                ignore_empty_lines=False,
                invalid_row_handler=skip,
            ),
            csv.ConvertOptions(
                check_utf8=False,
                column_types=dict.fromkeys(wanted, pa.string()),
                include_columns=wanted,
                null_values=["", "\\N"] if columns.escape == BARE_BACKSLASH else [""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        )
    except pa.ArrowInvalid:
        return None
    # Two counts that must agree; where they do not, the slow way is the right one.
    return (table, wrong) if table.num_rows + len(wrong) == rows else None
