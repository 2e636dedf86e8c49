"""Splitting bytes into records. The tempting clean-up is one `csv.reader` over the file: a single stray quote would
then swallow every good row after it, and the file would be read in a Python loop."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from spark.reading.flags import Flag
from spark.reading.lines import MAX_MULTILINE_BYTES, Dialect
from spark.reading.records import KEPT_BYTES, MAX_RECORD_BYTES, split_blocks

Row = tuple[bytes, int, int, int]  # value, line number, offset, flag


def split(data: bytes, *, fields: int = 3, block: int = 1 << 20, delimiter: str = ",") -> list[Row]:
    blocks = (data[start : start + block] for start in range(0, len(data), block))
    rows: list[Row] = []
    for run in split_blocks(blocks, offset=0, line=2, dialect=Dialect(fields, delimiter, by_backslash=False)):
        columns = (
            run.values.to_pylist(),
            run.line_numbers.tolist(),
            run.offsets.tolist(),
            run.flags.tolist(),
        )
        rows += list(zip(*columns, strict=True))
    return rows


def values(data: bytes, **options: int) -> list[bytes]:
    return [row[0].rstrip(b"\r\n") for row in split(data, **options)]


def test_each_line_is_a_record_with_its_number_and_offset() -> None:
    assert split(b"a,b,c\nd,e,f\n") == [(b"a,b,c\n", 2, 0, 0), (b"d,e,f\n", 3, 6, 0)]


def test_the_last_record_needs_no_newline() -> None:
    assert values(b"a,b,c\nd,e,f") == [b"a,b,c", b"d,e,f"]


def test_blank_lines_are_no_records_but_count_as_lines() -> None:
    assert [(row[0], row[1]) for row in split(b"a,b,c\n\n \t\r\n\r\nd,e,f\n")] == [
        (b"a,b,c\n", 2),
        (b"d,e,f\n", 6),
    ]


def test_a_quoted_newline_stays_inside_its_record() -> None:
    assert split(b'a,"b\nb",c\nd,e,f\n') == [(b'a,"b\nb",c\n', 2, 0, 0), (b"d,e,f\n", 4, 10, 0)]


def test_a_stray_quote_costs_one_row() -> None:
    rows = split(b'a,"b,c\nd,e,f\n"g,g",h,i\nj,k,l\n')
    assert [(row[0], row[3]) for row in rows] == [
        (b'a,"b,c\n', Flag.UNBALANCED_QUOTE),
        (b"d,e,f\n", 0),
        (b'"g,g",h,i\n', 0),
        (b"j,k,l\n", 0),
    ]


def test_two_stray_quotes_do_not_join_the_good_rows_between_them() -> None:
    rows = split(b'a,"b,c\nd,e,f\ng,"h,i\nj,k,l\n')
    assert [row[3] for row in rows] == [Flag.UNBALANCED_QUOTE, 0, Flag.UNBALANCED_QUOTE, 0]


def test_a_quote_that_closes_too_late_was_a_stray_one() -> None:
    filler = b"x,y,z\n" * (MAX_MULTILINE_BYTES // 6 + 1)
    rows = split(b'a,"b\n' + filler + b'c",d\nlast,row,ok\n', block=4096)
    assert rows[0][3] == Flag.UNBALANCED_QUOTE
    assert rows[-1][0] == b"last,row,ok\n"
    assert len(rows) == 1 + MAX_MULTILINE_BYTES // 6 + 1 + 2


def test_a_nul_byte_marks_its_row_alone() -> None:
    assert [row[3] for row in split(b"a,b,c\nd\0,e,f\ng,h,i\n")] == [0, Flag.NUL_BYTE, 0]


def test_bytes_that_are_no_utf8_mark_their_row_alone() -> None:
    assert [row[3] for row in split("ä,b,c\n".encode() + b"\xe4,e,f\n" + b"g,h,i\n")] == [
        0,
        Flag.INVALID_UTF8,
        0,
    ]


@pytest.mark.parametrize("block", [1 << 20, 1 << 16, 1 << 24])
def test_a_line_longer_than_a_record_may_be_keeps_its_beginning_and_the_rows_around_it(block: int) -> None:
    long_line = b"x" * (3 * MAX_RECORD_BYTES)
    rows = split(b"a,b,c\n" + long_line + b"\nd,e,f\n", block=block)
    assert [(row[1], row[3]) for row in rows] == [(2, 0), (3, Flag.LINE_TOO_LONG), (4, 0)]
    assert rows[1][0] == b"x" * KEPT_BYTES
    assert rows[2][:3] == (b"d,e,f\n", 4, 6 + len(long_line) + 1)


def test_a_file_that_is_one_endless_line_is_one_reject() -> None:
    rows = split(b"x" * (2 * MAX_RECORD_BYTES), block=100_000)
    assert [(row[1], row[3], len(row[0])) for row in rows] == [(2, Flag.LINE_TOO_LONG, KEPT_BYTES)]


HOSTILE = st.lists(
    st.sampled_from([b"a", b"b", b",", b'"', b"\n", b"\r", b" ", b"\0", b"\xff", "ü".encode()]), max_size=80
)


@given(HOSTILE, st.integers(1, 40))
@example([b'"', b"\n", b'"', b"\n", b'"'], 1)
def test_how_a_file_is_cut_into_blocks_changes_nothing(pieces: list[bytes], block: int) -> None:
    data = b"".join(pieces)
    assert split(data, block=block) == split(data)


@given(HOSTILE)
def test_every_byte_is_in_one_record_or_in_a_blank_line(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    rows = split(data)
    covered = b"".join(row[0] for row in rows)
    assert sorted(covered.replace(b"\n", b"").replace(b"\r", b"").replace(b" ", b"")) == sorted(
        data.replace(b"\n", b"").replace(b"\r", b"").replace(b" ", b"")
    )
    for value, _, offset, _ in rows:
        assert data[offset : offset + len(value)] == value


def good_rows() -> Iterator[st.SearchStrategy[list[str]]]:
    text = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=8)
    yield st.lists(text, min_size=3, max_size=3)


@given(st.lists(next(good_rows()), max_size=6))
def test_what_a_csv_writer_wrote_is_split_as_it_was_written(rows: list[list[str]]) -> None:
    lines = [",".join('"' + value.replace('"', '""') + '"' for value in row) for row in rows]
    found = split("".join(line + "\n" for line in lines).encode())
    assert [value.decode() for value, _, _, _ in found] == [line + "\n" for line in lines]
    assert not any(flag for *_, flag in found)
