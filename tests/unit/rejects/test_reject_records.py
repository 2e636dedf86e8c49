"""Dead letters as records. Guards against a repair that changes what nobody touched."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clickstream_assets.rejects.csv_lines import csv_line, split_record
from clickstream_assets.rejects.records import (
    Reject,
    RepairedRow,
    ReplayFileError,
    as_text_cell,
    can_go_back_as_it_is,
    export_fields,
    export_header,
    is_unchanged,
    of_text_cell,
    read_repaired,
    repaired_content,
    unrepaired_header,
    unrepaired_line,
)
from spark.reading.quotes import read_record

COLUMNS = ("user_id", "event_time", "price")
NOW = datetime(2026, 3, 1, tzinfo=UTC)

# Any text that bytes can decode to with surrogate escapes.
FIELDS = st.binary(max_size=12).map(lambda value: value.decode("utf-8", "surrogateescape"))


def reject(raw: bytes, **changes: Any) -> Reject:
    values: dict[str, Any] = {
        "reject_id": 1,
        "file_id": 7,
        "path": "a.csv",
        "line_no": 12,
        "byte_offset": 0,
        "byte_length": len(raw),
        "raw": raw,
        "reason": "invalid_price",
        "detail": "x",
        "rejected_at": NOW,
        "replayed_at": None,
        "layout_id": 1,
        "columns": COLUMNS,
        "delimiter": ",",
    }
    return Reject(**(values | changes))


@given(st.lists(FIELDS, min_size=1, max_size=5))
def test_fields_of_any_bytes_survive_the_way_through_a_csv(fields: list[str]) -> None:
    assert split_record(csv_line(fields).removesuffix(b"\n"), ",") == fields


@given(st.lists(FIELDS, min_size=3, max_size=3))
@example(["", "", "'\r"])
def test_an_export_that_nobody_touched_gives_every_value_back(fields: list[str]) -> None:
    raw = csv_line(fields)
    cells = [as_text_cell(field) for field in export_fields(reject(raw))]
    exported = csv_line(export_header(COLUMNS)) + csv_line(cells)
    repaired = read_repaired(exported)
    assert repaired.columns == COLUMNS
    # The line end belongs to the file: a record's own trailing CR and LF are cut with it, as intake does.
    assert repaired.rows == (RepairedRow(7, 12, tuple(split_record(raw.rstrip(b"\r\n"), ","))),)
    header, row = repaired_content(repaired.columns, repaired.rows, None)
    assert header == b"replay_of,user_id,event_time,price\n"
    assert split_record(row.removesuffix(b"\n"), ",") == ["7:12", *repaired.rows[0].fields]


BACKSLASHED = st.text('\\",;a\n\r ', max_size=8)


@given(st.lists(st.one_of(FIELDS, BACKSLASHED), min_size=1, max_size=5), st.sampled_from(",;\t|"))
def test_a_line_whose_quotes_are_escaped_by_backslashes_is_read_as_it_was_meant(
    fields: list[str], delimiter: str
) -> None:
    line = csv_line(fields, delimiter, "\\")
    assert split_record(line.removesuffix(b"\n"), delimiter, "\\") == fields
    stream = read_record(line, 0, len(line), delimiter, by_backslash=True)
    assert [field.decode("utf-8", "surrogateescape") for field in stream.fields] == fields
    assert stream.end == len(line)
    assert stream.is_good(len(fields))


@given(st.lists(BACKSLASHED, min_size=3, max_size=3))
def test_rows_of_a_file_with_backslashes_go_back_in_its_dialect(fields: list[str]) -> None:
    letter = reject(csv_line(fields, escape="\\"), escape="\\")
    exported = csv_line(export_header(COLUMNS)) + csv_line(export_fields(letter))
    (row,) = read_repaired(exported).rows
    assert row.fields == tuple(fields)
    _, line = repaired_content(COLUMNS, [row], None, "\\")
    assert split_record(line.removesuffix(b"\n"), ",", "\\") == ["7:12", *fields]


def test_a_backslash_that_escapes_nothing_is_written_as_it_is() -> None:
    assert csv_line([r"C:\dir", r"a\n, b", r"c\, d" + "\\"], escape="\\") == (
        rb'C:\dir,"a\n, b","c\, d\\"' + b"\n"
    )


@given(st.binary(max_size=40))
def test_a_line_that_goes_back_as_it_is_keeps_its_bytes(raw: bytes) -> None:
    assert unrepaired_line(reject(raw), None) == b"7:12," + raw.rstrip(b"\r\n") + b"\n"


@given(st.binary(max_size=40))
def test_any_bytes_can_be_split_and_exported(raw: bytes) -> None:
    row = csv_line(export_fields(reject(raw)))
    (parsed,) = csv.reader(io.StringIO(row.decode("utf-8", "surrogateescape"), newline=""), strict=True)
    assert parsed[0] == "7:12"


@pytest.mark.parametrize(
    ("raw", "fields"),
    [
        (b"u,t,1\r\n", ["u", "t", "1"]),
        (b'u,"a,b",1', ["u", "a,b", "1"]),
        (b'u,"a\nb",1', ["u", "a\nb", "1"]),
        (b'u,"open,1', ["u", '"open', "1"]),
        (b'u,"a"b,1', ["u", '"a"b', "1"]),
        (b"u,t", ["u", "t"]),
        (b"u,t,1,more", ["u", "t", "1", "more"]),
        (b"\xff,t,1", ["\udcff", "t", "1"]),
        (b"", [""]),
    ],
)
def test_a_record_is_split_as_well_as_it_can_be(raw: bytes, fields: list[str]) -> None:
    assert export_fields(reject(raw))[3:] == fields


@pytest.mark.parametrize(
    ("raw", "fields"),
    [
        (rb'u,"a \"b\", c",1', ["u", 'a "b", c', "1"]),
        (rb'u,"C:\\",1', ["u", "C:\\", "1"]),
        (rb"u,C:\,1", ["u", "C:\\", "1"]),
        (rb'u,"open\",1', ["u", r'"open\"', "1"]),
        (rb'u,"a"b,1', ["u", '"a"b', "1"]),
        (b'u,"a\nb",1', ["u", "a\nb", "1"]),
    ],
)
def test_a_record_with_backslashes_is_split_as_well_as_it_can_be(raw: bytes, fields: list[str]) -> None:
    assert export_fields(reject(raw, escape="\\"))[3:] == fields


def test_another_delimiter_is_kept_for_lines_that_go_back_as_they_are() -> None:
    letter = reject(b"u;t;1,5", delimiter=";")
    assert unrepaired_header(letter, None) == b"replay_of;user_id;event_time;price\n"
    assert unrepaired_line(letter, None) == b"7:12;u;t;1,5\n"
    assert export_fields(letter)[3:] == ["u", "t", "1,5"]


def test_a_letter_of_a_replayed_file_is_linked_to_its_own_line_not_the_first_one() -> None:
    letter = reject(b"3:4,2026,u,t,bad", columns=("replay_of", "replayed_again_at", *COLUMNS))
    assert unrepaired_header(letter, None) == b"replay_of,user_id,event_time,price\n"
    assert unrepaired_line(letter, None) == b"7:12,u,t,bad\n"
    assert export_header(letter.columns) == ("replay_of", "reject_reason", "reject_detail", *COLUMNS)
    assert export_fields(letter)[3:] == ["u", "t", "bad"]


@pytest.mark.parametrize(
    ("mapping", "header"),
    [
        ('{"format": {"delimiter": ";"}}', b"replay_of;user_id;event_time;price\n"),
        ("{}", b"replay_of,user_id,event_time,price\n"),
        (None, b"replay_of,user_id,event_time,price\n"),
    ],
)
def test_a_repaired_file_has_the_delimiter_that_its_mapping_names(mapping: str | None, header: bytes) -> None:
    delimiter = reject(b"x", delimiter=";", mapping=mapping).delimiter_to_write
    rows = [RepairedRow(7, 12, ("u", "t", "1"))]
    assert repaired_content(COLUMNS, rows, None, delimiter=delimiter)[0] == header


def test_a_deliberate_repetition_is_other_content() -> None:
    letter = reject(b"u,t,bad")
    assert (
        unrepaired_header(reject(b"u,t,1"), "2026")
        == b"replay_of,replayed_again_at,user_id,event_time,price\n"
    )
    assert unrepaired_line(letter, "2026") == b"7:12,2026,u,t,bad\n"
    _, line = repaired_content(COLUMNS, [RepairedRow(7, 12, ("u", "t", "1"))], "2026")
    assert line == b"7:12,2026,u,t,1\n"


@pytest.mark.parametrize(
    ("letter", "can"),
    [
        (reject(b"u,t,bad\n"), True),
        (reject(b'"u",t,bad'), True),
        (reject(b'"u,t,bad'), False),
        (reject(b"u,t", byte_length=1_000), False),
        (reject(b"u,t", byte_length=5), True),  # CR and LF were not kept
        (reject(rb'"12\" pipe",t,bad', escape="\\"), True),
        (reject(rb'"12\" pipe",t,bad', escape='"'), False),
        (reject(rb'"u\",t,bad', escape="\\"), False),
    ],
)
def test_a_cut_line_and_one_with_an_open_quote_cannot_go_back_as_they_are(letter: Reject, can: bool) -> None:
    assert can_go_back_as_it_is(letter) is can


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_spreadsheet_may_write_a_bom_other_delimiters_and_crlf(delimiter: str) -> None:
    content = delimiter.join(["price", "replay_of", "user_id", "reject_reason"]) + "\r\n"
    content += delimiter.join(["1.5", " 7:12 ", "u", "invalid_price"]) + "\r\n\r\n"
    repaired = read_repaired(b"\xef\xbb\xbf" + content.encode())
    assert repaired.columns == ("price", "user_id")
    assert repaired.rows == (RepairedRow(7, 12, ("1.5", "u")),)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no column replay_of"),
        (b"user_id,price\nu,1\n", "no column replay_of"),
        (b"replay_of,user_id\n", "no rows"),
        (b"replay_of,user_id\n,u\n", "line 2 has no replay_of"),
        (b"user_id,replay_of\nu,7:12\nu\n", "line 3 has no replay_of"),
        (b"replay_of,user_id\n7,u\n", "line 2 has no replay_of"),
        (b"replay_of,user_id\n7:12:3,u\n", "line 2 has no replay_of"),
        (b"replay_of,user_id\n99999999999999999999:1,u\n", "line 2 has no replay_of"),
        ("replay_of,user_id\n\u0661:\u0662,u\n".encode(), "line 2 has no replay_of"),
        (b'replay_of,user_id\n7:12,"u\n', "no CSV"),
    ],
)
def test_a_file_that_does_not_say_what_it_repairs_is_refused_with_its_line(
    content: bytes, message: str
) -> None:
    with pytest.raises(ReplayFileError, match=message):
        read_repaired(content)


FORMULAS = [
    "=1+1",
    "+1",
    "-5.00",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "'=1",
    "''=1",
    "\uff1d1",  # a full-width sign
    '=HYPERLINK("http://x?"&A1)',
]


@given(st.one_of(FIELDS, st.sampled_from(FORMULAS), st.text("'=+-@\t\r\na", max_size=5)))
def test_a_cell_is_text_to_a_spreadsheet_and_comes_back_as_it_was(value: str) -> None:
    cell = as_text_cell(value)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert of_text_cell(cell) == value


@pytest.mark.parametrize("formula", FORMULAS)
def test_an_export_that_nobody_repaired_is_unchanged_though_its_cells_were_formulas(formula: str) -> None:
    original = reject(csv_line(["u1", formula, formula]), columns=("user_id", "=event_time", "price"))
    lines = [export_header(original.columns), export_fields(original)]
    content = b"".join(csv_line(map(as_text_cell, line)) for line in lines)
    for row in csv.reader(io.StringIO(content.decode(), newline="")):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)
    repaired = read_repaired(content)
    (row,) = repaired.rows
    assert is_unchanged(row, repaired.columns, original)


def test_an_object_goes_back_as_it_is_behind_its_link() -> None:
    letter = reject(b'{ "price" : 1.50,"user_id":"\xc3\xbc" }\r\n', format="json", delimiter="")
    assert unrepaired_header(letter, None) == b""
    assert can_go_back_as_it_is(letter)
    once = unrepaired_line(letter, None)
    assert once == b'{"replay_of": "7:12", "price" : 1.50,"user_id":"\xc3\xbc" }\n'
    again = unrepaired_line(reject(once, format="json", line_no=1), "2026")
    assert again == once.replace(b"7:12", b"7:1").replace(
        b', "price"', b', "replayed_again_at": "2026", "price"'
    )
    assert unrepaired_line(reject(again, format="json"), None) == once


@pytest.mark.parametrize("raw", [b"{}", b"{ }"])
def test_an_empty_object_goes_back_too(raw: bytes) -> None:
    assert json.loads(unrepaired_line(reject(raw, format="json"), None)) == {"replay_of": "7:12"}


@pytest.mark.parametrize("raw", [b"[1]", b'{"a":', b"", b"{}{}"])
def test_a_line_that_is_no_object_does_not_go_back_unrepaired(raw: bytes) -> None:
    letter = reject(raw, format="json")
    assert not can_go_back_as_it_is(letter)
    assert export_fields(letter)[3:] == [raw.decode()]


def test_an_object_is_a_row_of_its_texts_in_an_export() -> None:
    letter = reject(b'{"price":1.50,"user_id":null,"event_time":{"a":[1]}}', format="json")
    assert export_fields(letter)[3:] == ["", '{"a": [1]}', "1.50"]


def test_a_repaired_object_is_written_as_its_mapping_reads_csv() -> None:
    said = '{"format": {"escape": "backslash"}}'
    assert reject(b"{}", format="json", mapping=said).escape_to_write == "\\"
    assert reject(b"{}", format="json", mapping="{}").escape_to_write is None
    assert reject(b"x", escape='"', mapping=said).escape_to_write is None
