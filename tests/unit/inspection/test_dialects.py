"""Both ways to escape a quote, held to a reader that goes through the bytes one by one and shares no code."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from spark.reading.fields import Columns, Split, split_records
from spark.reading.flags import Flag
from spark.reading.header import Layout
from spark.reading.lines import MAX_MULTILINE_BYTES, Dialect
from spark.reading.quotes import BY_BACKSLASH, DOUBLED, good_record, read_record
from spark.reading.records import Records, split_blocks

WIDTH = 3
NAMES = ("a", "b", "c")
ESCAPES = [None, BY_BACKSLASH, DOUBLED]


@dataclass
class Slow:
    """The outcome of reading one record byte by byte."""

    fields: list[bytes]
    end: int
    is_open: bool = False
    after_quote: bool = False
    lone_return: bool = False
    backslash_quote: bool = False  # such a sequence stands in a quoted field
    escapes_quote: bool = False

    @property
    def good(self) -> bool:
        bad = self.is_open or self.after_quote or self.lone_return
        return not bad and len(self.fields) == WIDTH


def read_slowly(data: bytes, start: int, by_backslash: bool) -> Slow:
    found = Slow([], start)
    at = start
    while True:
        value = bytearray()
        is_quoted = data[at : at + 1] == b'"'
        if is_quoted:
            at += 1
            while True:
                pair = data[at : at + 2]
                if not pair:
                    found.is_open, found.end = True, at
                    return found
                if pair == b'\\"':
                    found.backslash_quote = True
                if by_backslash and pair in (b'\\"', b"\\\\"):
                    found.escapes_quote |= pair == b'\\"'
                    found.backslash_quote |= pair == b"\\\\" and data[at + 2 : at + 3] == b'"'
                    value += pair[1:]
                    at += 2
                elif not by_backslash and pair == b'""':
                    value += b'"'
                    at += 2
                elif pair[:1] == b'"':
                    at += 1
                    break
                else:
                    value += pair[:1]
                    at += 1
        rest = bytearray()
        while at < len(data) and data[at : at + 1] not in (b",", b"\n"):
            rest += data[at : at + 1]
            at += 1
        ends_record = data[at : at + 1] != b","
        if ends_record:
            rest = rest.rstrip(b"\r")
        if is_quoted:
            found.after_quote |= bool(rest)
        else:
            found.lone_return |= b"\r" in rest
        found.fields.append(bytes(value + rest))
        at += 1
        if ends_record:
            found.end = min(at, len(data))
            return found


Row = tuple[bytes, int, int, Flag, list[str | None] | None]


def rows_slowly(data: bytes, escape: str | None) -> list[Row]:
    """Value, line number, offset, flag and fields of each record."""
    rows: list[Row] = []
    at, line = 0, 2
    while at < len(data):
        line_end = data.find(b"\n", at) + 1 or len(data)
        found = read_slowly(data, at, escape == BY_BACKSLASH)
        is_long = found.end > line_end
        flag, end = Flag.NONE, found.end
        if found.is_open or (is_long and (not found.good or found.end - at > MAX_MULTILINE_BYTES)):
            flag, end = Flag.UNBALANCED_QUOTE, line_end
        value = data[at:end]
        if value.strip() or len(value) > 64:
            flag = flag or bytes_flag(value)
            fields = None
            if not flag:
                fields, flag = fields_slowly(value, escape)
            rows.append((value, line, at, flag, fields))
        line += value.count(b"\n") or 1
        at = end
    return rows


def bytes_flag(value: bytes) -> Flag:
    if b"\0" in value:
        return Flag.NUL_BYTE
    try:
        value.decode()
    except UnicodeDecodeError:
        return Flag.INVALID_UTF8
    return Flag.NONE


def fields_slowly(record: bytes, escape: str | None) -> tuple[list[str | None] | None, Flag]:
    found = read_slowly(record, 0, escape == BY_BACKSLASH)
    if escape is None:
        other = read_slowly(record, 0, True)
        if found.backslash_quote and other.good and other.escapes_quote and other.end == len(record):
            return None, Flag.BACKSLASH_ESCAPE
        if found.after_quote and found.backslash_quote:
            return None, Flag.BACKSLASH_ESCAPE
    if found.after_quote:
        return None, Flag.TEXT_AFTER_QUOTE
    return ([text.decode() or None for text in found.fields] if found.good else None), Flag.NONE


def columns(escape: str | None) -> Columns:
    return Columns.of(Layout(NAMES, ",", escape), range(len(NAMES)))


def rows_quickly(data: bytes, escape: str | None, block: int = 1 << 20) -> list[Row]:
    blocks = (data[start : start + block] for start in range(0, len(data), block))
    rows: list[Row] = []
    dialect = Dialect(WIDTH, ",", by_backslash=escape == BY_BACKSLASH)
    for run in split_blocks(blocks, offset=0, line=2, dialect=dialect):
        rows += _rows(run, split_records(run.values, run.flags == Flag.NONE, columns(escape)))
    return rows


def _rows(run: Records, split: Split) -> list[Row]:
    texts = [split.texts[at].to_pylist() for at in range(WIDTH)]
    return [
        (
            value,
            int(run.line_numbers[row]),
            int(run.offsets[row]),
            Flag(int(run.flags[row] or split.flags[row])),
            [texts[at][row] for at in range(WIDTH)] if split.ok[row] else None,
        )
        for row, value in enumerate(run.values.to_pylist())
    ]


noise = st.lists(
    st.sampled_from([b"a", b",", b'"', b"\n", b"\\", b"\r", b" ", b"\0", b"\xff", "ü".encode()]), max_size=60
).map(b"".join)
# Pieces of fields that are nearly right, so that whole records come out often.
PIECES = [
    *[
        b"x",
        b'"x"',
        b'""',
        b'"\\"x\\""',
        b'"C:\\dir\\"',
        b'"a""b"',
        b'"a\nb"',
        b'"a\\\\"',
        b'5" x',
        b'"a"b',
        b'"\\x"',
    ],
    *[b'"', b"\\", b'"a\\",', b"\\N", b'"a\\"\n', "é".encode(), b'"a\r\nb"', b"\r"],
]
piece = st.sampled_from(PIECES)
record = st.lists(piece, min_size=WIDTH - 1, max_size=WIDTH + 1).map(b",".join)
nearly = st.lists(record, max_size=6).map(b"\n".join)


@pytest.mark.parametrize("escape", ESCAPES)
@settings(max_examples=400)
@given(data=noise | nearly)
@example(data=b'u,"C:\\dir\\",v\n')
@example(data=b'"a\\",b","c",d\n"a\\"\n,b",c,d\n')
@example(data=b'a,"b""\n",c\n"""",\\"x,\\\n')
@example(data=b'"\\"\\"","\\\\\\"","\\\\"\n')
@example(data=b'"a\\",x","c\\"",d"\n')
def test_records_line_numbers_and_fields_are_those_of_a_slow_reader(escape: str | None, data: bytes) -> None:
    assert rows_quickly(data, escape) == rows_slowly(data, escape)


@pytest.mark.parametrize("escape", ESCAPES)
@settings(max_examples=200)
@given(data=noise | nearly, block=st.integers(1, 40))
def test_where_a_file_is_cut_into_blocks_changes_nothing(escape: str | None, data: bytes, block: int) -> None:
    assert rows_quickly(data, escape, block) == rows_quickly(data, escape)


text = st.text(st.sampled_from("ab\"\\,\n ü'{}:"), min_size=1, max_size=10)


@given(rows=st.lists(st.lists(text, min_size=WIDTH, max_size=WIDTH), max_size=6))
def test_what_spark_writes_is_read_as_it_was_meant(rows: list[list[str]]) -> None:
    def written(value: str) -> str:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    data = "".join(",".join(map(written, row)) + "\n" for row in rows).encode()
    assert [found[4] for found in rows_quickly(data, BY_BACKSLASH)] == rows


@given(rows=st.lists(st.lists(text, min_size=WIDTH, max_size=WIDTH), max_size=6))
def test_what_other_writers_write_is_read_as_it_was_meant(rows: list[list[str]]) -> None:
    def written(value: str) -> str:
        return '"' + value.replace('"', '""') + '"'

    data = "".join(",".join(map(written, row)) + "\n" for row in rows).encode()
    assert [found[4] for found in rows_quickly(data, DOUBLED)] == rows


@pytest.mark.parametrize(
    ("field", "escape", "meant"),
    [
        (r'"Say \"hi\""', BY_BACKSLASH, 'Say "hi"'),
        (r'"{\"a\":1}"', BY_BACKSLASH, '{"a":1}'),
        (r'"C:\\dir\\"', BY_BACKSLASH, "C:\\dir\\"),
        (r'"a\nb"', BY_BACKSLASH, r"a\nb"),
        (r"C:\\dir", BY_BACKSLASH, r"C:\\dir"),
        ('"a"b', BY_BACKSLASH, Flag.TEXT_AFTER_QUOTE),
        ('"a""b"', BY_BACKSLASH, Flag.TEXT_AFTER_QUOTE),
        (r'"Say \"hi\""', None, Flag.BACKSLASH_ESCAPE),
        (r'"C:\dir\"', None, "C:\\dir\\"),
        (r'"C:\\dir\\"', None, r"C:\\dir" + "\\\\"),
        ('"a"b', None, Flag.TEXT_AFTER_QUOTE),
        ('"a""b"', None, 'a"b'),
        ('5" pipe', None, '5" pipe'),
        (r"\"a\"", None, r"\"a\""),
        (r'"Say \"hi\""', DOUBLED, Flag.TEXT_AFTER_QUOTE),
        (r'"C:\dir\"', DOUBLED, "C:\\dir\\"),
    ],
)
def test_a_quote_is_read_as_the_dialect_of_its_file_means_it(
    field: str, escape: str | None, meant: str | Flag
) -> None:
    values = pa.array([f"x,{field},y\n".encode()], pa.binary())
    found = split_records(values, np.ones(1, bool), columns(escape))
    if isinstance(meant, Flag):
        assert (found.ok[0], found.flags[0]) == (False, meant)
    else:
        assert (found.ok[0], found.texts[1][0].as_py()) == (True, meant)


@pytest.mark.parametrize(
    ("escape", "fields"),
    [
        (DOUBLED, ["a\\", 'x"', 'c\\",d']),
        (BY_BACKSLASH, ['a",x', 'c"', 'd"']),
        (None, None),
    ],
)
def test_two_readings_that_make_sense_and_differ_are_not_guessed(
    escape: str | None, fields: list[str] | None
) -> None:
    ((_, _, _, flag, found),) = rows_quickly(rb'"a\",x","c\"",d"', escape)
    assert (found, flag) == (fields, Flag.NONE if fields else Flag.BACKSLASH_ESCAPE)


@pytest.mark.parametrize("by_backslash", [False, True])
@settings(max_examples=300)
@given(data=record | noise)
def test_the_quick_look_at_a_record_finds_what_the_thorough_one_finds(
    by_backslash: bool, data: bytes
) -> None:
    match = good_record(WIDTH, ",", by_backslash=by_backslash).match(data)
    found = read_record(data, 0, len(data), ",", by_backslash=by_backslash)
    assert (match.end() if match else None) == (found.end if found.is_good(WIDTH) else None)
