"""The audit's own splitting: where records begin and end, quotes, bytes that are wrong, headers."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from clickstream_assets.second_reader.layout import (
    BACKSLASH,
    FileLayout,
    LayoutError,
    find_start,
    known_start,
    read_layout,
    same_columns,
    split_header,
)
from clickstream_assets.second_reader.lines import split_records
from clickstream_assets.second_reader.mapping import AuditMapping
from clickstream_assets.second_reader.outcomes import KEPT_BYTES, MAX_RECORD_BYTES, Record, rejected
from clickstream_assets.second_reader.quoting import QuotedRecord, read_record
from clickstream_assets.second_reader.reader import open_records
from clickstream_assets.second_reader.unpacking import UnreadableError

TWO = FileLayout(("a", "b"))
ESCAPED = FileLayout(("a", "b"), escape=BACKSLASH)


def split(data: bytes, layout: FileLayout = TWO, block: int = 1 << 20) -> list[Record]:
    blocks = (data[at : at + block] for at in range(0, len(data), block))
    return list(split_records(blocks, layout, 10))


def shapes(records: list[Record]) -> list[tuple[int, bytes, str | None]]:
    return [(record.line_no, record.data, record.flaw) for record in records]


@pytest.mark.parametrize("block", [1, 2, 3, 7, 1000])
def test_records_have_their_lines_and_offsets_whatever_the_blocks(block: int) -> None:
    data = b'1,2\r\n"3\n\n4",5\n\n \t\n"6,7\n8,9'
    records = split(data, block=block)
    assert shapes(records) == [
        (2, b"1,2\r\n", None),
        (3, b'"3\n\n4",5\n', None),
        (8, b'"6,7\n', "unbalanced_quote"),
        (9, b"8,9", None),
    ]
    assert all(data[r.byte_offset - 10 :][: r.byte_length] == r.data for r in records)


def test_a_quote_that_never_closes_costs_one_line() -> None:
    assert shapes(split(b'"1,2\n3,4\n5,6\n')) == [
        (2, b'"1,2\n', "unbalanced_quote"),
        (3, b"3,4\n", None),
        (4, b"5,6\n", None),
    ]


@pytest.mark.parametrize(
    ("data", "flaws"),
    [
        (b'"1\n2",3,4\n', ["unbalanced_quote", None]),  # three fields
        (b'"1\n2"x,3\n', ["unbalanced_quote", None]),  # text after the closing quote
        (b'"1\n2",3\r,4\n', ["unbalanced_quote", None]),
        (b'1,"2\n"3,4\n"5,6\n', ["unbalanced_quote"] * 3),
    ],
)
def test_lines_that_make_no_record_together_are_records_of_their_own(
    data: bytes, flaws: list[str | None]
) -> None:
    assert [record.flaw for record in split(data)] == flaws


def test_a_quote_within_a_field_opens_nothing() -> None:
    assert [record.flaw for record in split(b'1,x"2\n3,4"\n"5""",6"\n')] == [None] * 3


def test_a_quoted_value_may_be_64_kib_long_and_not_longer() -> None:
    head, tail = b'"', b'\n",2\n'
    fits = head + b"x" * (64 * 1024 - len(head + tail)) + tail
    assert [record.flaw for record in split(fits)] == [None]
    assert [record.flaw for record in split(b"\n" + head + b"y" + fits[1:])] == ["unbalanced_quote"] * 2


def test_a_record_of_several_lines_may_follow_a_stray_quote() -> None:
    assert shapes(split(b'"1,2\n"3\n4",5\n')) == [
        (2, b'"1,2\n', "unbalanced_quote"),
        (3, b'"3\n4",5\n', None),
    ]


@pytest.mark.parametrize("block", [100_000, 1 << 20, 1 << 22])
def test_an_overlong_line_is_cut_and_its_length_is_kept(block: int) -> None:
    line = b"x" * MAX_RECORD_BYTES + b"\n"
    long, after = split(line + b"1,2\n", block=block)
    assert (long.flaw, long.byte_length, len(rejected(long, "line_too_long").raw)) == (
        "line_too_long", len(line), KEPT_BYTES,
    )  # fmt: skip
    assert (after.line_no, after.byte_offset, after.flaw) == (3, 10 + len(line), None)
    (exact,) = split(line[1:], block=block)
    assert exact.flaw is None


def test_an_overlong_last_line_without_an_end_keeps_its_length() -> None:
    (record,) = split(b"x" * (3 * MAX_RECORD_BYTES), block=50_000)
    assert (record.flaw, record.byte_length) == ("line_too_long", 3 * MAX_RECORD_BYTES)


def test_a_nul_byte_is_a_flaw_and_an_open_quote_the_earlier_one() -> None:
    assert [record.flaw for record in split(b'1,\0\n"1,\0\n')] == ["nul_byte", "unbalanced_quote"]


def test_a_long_line_of_blanks_is_a_record() -> None:
    assert [record.byte_length for record in split(b" " * 63 + b"\n" + b" " * 64 + b"\n")] == [65]


@pytest.mark.parametrize(
    ("data", "raw"), [(b"x\r\n", b"x"), (b"x\r\r\n", b"x\r"), (b"x\n", b"x"), (b"x\r", b"x\r"), (b"x", b"x")]
)
def test_evidence_is_without_one_line_end(data: bytes, raw: bytes) -> None:
    (record,) = split(data)
    assert rejected(record, "field_count").raw == raw


def test_a_backslash_escapes_a_quote_only_where_the_layout_says_so() -> None:
    data = b'"1\\"\n2",3\n"4",5\n'
    assert [record.flaw for record in split(data)] == [None, None, None]
    assert [record.flaw for record in split(data, ESCAPED)] == [None, None]


@pytest.mark.parametrize(
    ("text", "delimiter", "fields"),
    [
        ("a,b", ",", ["a", "b"]),
        ("a,", ",", ["a", ""]),
        ("", ",", [""]),
        (",", ",", ["", ""]),
        ('"a,b",c', ",", ["a,b", "c"]),
        ('"a""b",""', ",", ['a"b', ""]),
        ('""', ",", [""]),
        ('""""', ",", ['"']),
        ('a"b"c,d', ",", ['a"b"c', "d"]),
        (' "a",b', ",", [' "a"', "b"]),
        ('"a\nb";c', ";", ["a\nb", "c"]),
        ('"a\r\nb"\t', "\t", ["a\r\nb", ""]),
        ("a|b,c", "|", ["a", "b,c"]),
        ('"C:\\",b', ",", ["C:\\", "b"]),
        ("a\\,b", ",", ["a\\", "b"]),
    ],
)
def test_fields_are_split(text: str, delimiter: str, fields: list[str]) -> None:
    reading = read_record(text.encode(), delimiter.encode(), backslash=False)
    assert reading.is_record(len(fields))
    assert [field.decode() for field in reading.fields] == fields


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ('"a\\"b",c', ['a"b', "c"]),
        ('"a\\\\",c', ["a\\", "c"]),
        ('"a\\\\\\"",c', ['a\\"', "c"]),
        ('"a\\nb",c', ["a\\nb", "c"]),
        ("a\\b,c", ["a\\b", "c"]),
        ('a\\"b,c', ['a\\"b', "c"]),
        ("\\N,c", ["\\N", "c"]),
    ],
)
def test_fields_with_backslashes_are_split(text: str, fields: list[str]) -> None:
    reading = read_record(text.encode(), b",", backslash=True)
    assert reading.is_record(2)
    assert [field.decode() for field in reading.fields] == fields


@pytest.mark.parametrize(
    ("text", "backslash", "oddity"),
    [
        ('"a"b,c', False, "text_after_quote"),
        ('"a" ,c', False, "text_after_quote"),
        ('"a"\r,b', False, "text_after_quote"),
        ('"a""b",c', True, "text_after_quote"),
        ("a\r,b", False, "lone_return"),
        ("a\rb,c", False, "lone_return"),
        ('a"b,"c', False, "is_open"),
        ('"a\\",c', True, "is_open"),
        ('"a\\",c', False, "backslash_quote"),
        ('"a\\\\",c', True, "backslash_quote"),
        ('"a\\"b",c', True, "escapes_quote"),
    ],
)
def test_what_is_odd_about_a_record_is_told(text: str, backslash: bool, oddity: str) -> None:
    assert getattr(read_record(text.encode(), b",", backslash), oddity)


def test_a_record_ends_at_the_first_newline_outside_of_quotes() -> None:
    assert read_record(b'"a\nb",c\r\nd,"e', b",", backslash=False) == QuotedRecord((b"a\nb", b"c"), 9)


def test_a_header_is_found_by_names_whatever_delimiter_and_marks() -> None:
    for delimiter in (",", ";", "\t", "|"):
        names = [
            "\ufeffVisitor-ID ",
            '"User Session"',
            "event.type",
            "ItemID",
            "time\u00adstamp",
            "shop",
            "",
            "shop",
        ]
        header = (b"\xef\xbb\xbf" * 2) + delimiter.join(names).encode() + b"\r\n"
        layout = read_layout(find_start(header), {})
        assert layout.delimiter == delimiter
        assert layout.fields({}) == {
            "user_id": 0, "session_id": 1, "action_type": 2, "product_id": 3, "event_time": 4,
        }  # fmt: skip
        assert layout.extras(layout.fields({}).values()) == {"shop": 5, "column_7": 6, "shop_8": 7}


def test_names_of_the_mapping_come_before_our_own_and_those_before_others() -> None:
    layout = FileLayout(("time", "event_time", "user", "user_id", "kunden-nr", "Price"))
    assert layout.fields({}) == {"event_time": 1, "user_id": 3, "price": 5}
    mapped = {"kunden nr": "user_id", "time": "event_time"}
    assert layout.fields(mapped) == {"user_id": 4, "event_time": 0, "price": 5}
    assert layout.extras(layout.fields({"kunden-nr": "user_id"}).values()) == {
        "time": 0,
        "user": 2,
        "user_id_4": 3,
    }


def test_a_name_that_is_spelled_as_known_comes_before_one_that_is_not() -> None:
    assert FileLayout(("UserID", "User-Id", "user_id")).fields({}) == {"user_id": 2}
    assert FileLayout(("uuid", "Event.Id")).fields({}) == {"event_id": 1}


def test_a_made_up_name_takes_no_column_s_own() -> None:
    layout = FileLayout(("", "column_1", "a", "a", "a_4", "price", "price"))
    assert layout.extras(layout.fields({}).values()) == {
        "column_1_1": 0,
        "column_1": 1,
        "a": 2,
        "a_4_4": 3,
        "a_4": 4,
        "price_7": 6,
    }


@pytest.mark.parametrize(
    ("before", "delimiter"),
    [
        (b"", None),
        (b"\xef\xbb\xbfsep=;\r\n", ";"),
        (b'"SEP=\\t"\n', "\t"),
        (b"sep=:\n", None),
        (b"\n \t\n;;;\n", None),
        (b"\xef\xbb\xbf\n,,\nsep=|\n\n", "|"),
    ],
)
def test_what_may_stand_before_a_header_is_passed_over(before: bytes, delimiter: str | None) -> None:
    start = find_start(before + b"a;b\nc;d\n")
    assert (start.header, start.size, start.delimiter) == (b"a;b\n", len(before) + 4, delimiter)
    assert start.next_line == before.count(b"\n") + 2
    known = known_start(before + b"a;b\nc;d\n", start.size)
    assert (known.header, known.size, known.next_line) == (start.header, start.size, start.next_line)


def test_a_file_of_a_header_alone_has_one() -> None:
    assert find_start(b"a,b").header == known_start(b"a,b", 0).header == b"a,b"
    assert known_start(b"a,b\n", 0).size == 4


def test_headers_are_compared_by_what_they_mean() -> None:
    assert same_columns(split_header(b"\xef\xbb\xbfa ,B\r\n", ","), ("a", "b"))
    assert not same_columns(split_header(b"a,b\n", ","), ("b", "a"))
    assert split_header(b"\xff,b\n", ",") == ()


def test_a_line_without_our_fields_is_no_header() -> None:
    with pytest.raises(LayoutError, match="lacks session_id, product_id"):
        read_layout(find_start(b"user_id,action_type,event_time\n"), {})


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_a_file_is_read_plain_or_compressed(tmp_path: Path, compression: str | None) -> None:
    content = b"a,b\n" + b"1,2\n" * 100_000
    path = tmp_path / "file"
    path.write_bytes(content if compression is None else gzip.compress(content, 1))
    start, records = open_records(str(path).encode(), compression, TWO, mapping=AuditMapping())
    assert start.header == b"a,b\n"
    found = list(records)
    assert len(found) == 100_000
    assert (found[-1].line_no, found[-1].byte_offset) == (100_001, len(content) - 4)


def test_a_damaged_file_is_named_as_such(tmp_path: Path) -> None:
    path = tmp_path / "file.gz"
    path.write_bytes(gzip.compress(b"a,b\n" + bytes(range(256)) * 9000)[:-50])
    with pytest.raises(UnreadableError, match="damaged"):
        _ = [
            list(records)
            for _, records in [open_records(str(path).encode(), "gzip", TWO, mapping=AuditMapping())]
        ]
