"""The audit's own splitting: where records begin and end, quotes, bytes that are wrong, headers."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from clickstream_assets.values_audit.layout import FileLayout, LayoutError, read_layout
from clickstream_assets.values_audit.lines import split_records
from clickstream_assets.values_audit.outcomes import KEPT_BYTES, MAX_RECORD_BYTES, Record, rejected
from clickstream_assets.values_audit.quoting import QuotingError, split_fields
from clickstream_assets.values_audit.reader import UnreadableError, open_records

TWO = FileLayout(("a", "b"))
ESCAPED = FileLayout(("a", "b"), backslash=True)


def split(data: bytes, layout: FileLayout = TWO, block: int = 1 << 20) -> list[Record]:
    blocks = (data[at : at + block] for at in range(0, len(data), block))
    return list(split_records(blocks, layout, 10))


def shapes(records: list[Record]) -> list[tuple[int, bytes, str | None]]:
    return [(record.line_no, record.data, record.flaw) for record in records]


@pytest.mark.parametrize("block", [1, 2, 3, 7, 1000])
def test_records_have_their_lines_and_offsets_whatever_the_blocks(block: int) -> None:
    data = b'1,2\r\n"3\n\n4",5\n\n \t\n6,7"\n8,9'
    records = split(data, block=block)
    assert shapes(records) == [
        (2, b"1,2\r\n", None),
        (3, b'"3\n\n4",5\n', None),
        (8, b'6,7"\n', "unbalanced_quote"),
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
    "data",
    [
        b'"1\n2",3,4\n',  # three fields
        b'1,x"2\n3"\n',  # the quotes are within fields: the newline is outside of quotes
        b'"1\n2"x,3\n',  # text after the closing quote
    ],
)
def test_lines_that_make_no_record_together_are_records_of_their_own(data: bytes) -> None:
    assert [(record.line_no, record.flaw) for record in split(data)] == [
        (2, "unbalanced_quote"),
        (3, "unbalanced_quote"),
    ]


def test_a_quoted_value_may_be_64_kib_long_and_not_longer() -> None:
    head, tail = b'"', b'\n",2\n'
    fits = head + b"x" * (64 * 1024 - len(head + tail)) + tail
    assert [record.flaw for record in split(fits)] == [None]
    assert [record.flaw for record in split(b"\n" + head + b"y" + fits[1:])] == ["unbalanced_quote"] * 2


def test_the_second_of_two_stray_quotes_may_begin_a_record() -> None:
    assert shapes(split(b'x"1,2\n"3\n4",5\n')) == [
        (2, b'x"1,2\n', "unbalanced_quote"),
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
    data = b'"1\\"x",2\n"3",4\n'
    assert [record.flaw for record in split(data)] == ["unbalanced_quote", None]
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
    assert split_fields(text, delimiter, backslash=False) == fields


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ('"a\\"b",c', ['a"b', "c"]),
        ('"a\\\\",c', ["a\\", "c"]),
        ('"a\\nb",c', ["a\\nb", "c"]),
        ('"a""b",c', ['a"b', "c"]),
        ("a\\b,c", ["a\\b", "c"]),
        ("\\N,c", ["\\N", "c"]),
    ],
)
def test_fields_with_backslashes_are_split(text: str, fields: list[str]) -> None:
    assert split_fields(text, ",", backslash=True) == fields


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('"a"b,c', "text_after_quote"),
        ('"a" ,c', "text_after_quote"),
        ('"a\\" b"c"', "backslash_escape"),
        ('x,"a\\"b" c"', "backslash_escape"),
        ("a\rb,c", "field_count"),
        ("a\r,b", "field_count"),
        ('"a"\r,b', "text_after_quote"),
        ("a\nb,c", "field_count"),
        ('a"b,"c', "unbalanced_quote"),
    ],
)
def test_what_cannot_be_split_says_why(text: str, reason: str) -> None:
    with pytest.raises(QuotingError) as caught:
        split_fields(text, ",", backslash=False)
    assert caught.value.reason == reason


def test_a_header_is_found_by_names_whatever_delimiter_and_marks() -> None:
    for delimiter in (",", ";", "\t", "|"):
        names = [
            "\ufeffVisitorID ",
            '"user_session"',
            "event_type",
            "ItemID",
            "timestamp",
            "shop",
            "",
            "shop",
        ]
        header = (b"\xef\xbb\xbf" * 2) + delimiter.join(names).encode() + b"\r\n"
        layout = read_layout(header, {})
        assert layout.delimiter == delimiter
        assert layout.fields({}) == {
            "user_id": 0, "session_id": 1, "action_type": 2, "product_id": 3, "event_time": 4,
        }  # fmt: skip
        assert layout.extras({}) == {"shop": 5, "column_7": 6, "shop_8": 7}


def test_names_of_the_mapping_come_before_our_own_and_those_before_others() -> None:
    layout = FileLayout(("time", "event_time", "user", "user_id", "kunde", "Price"))
    assert layout.fields({}) == {"event_time": 1, "user_id": 3, "price": 5}
    assert layout.fields({"kunde": "user_id", "time": "event_time"}) == {
        "user_id": 4,
        "event_time": 0,
        "price": 5,
    }
    assert layout.extras({"kunde": "user_id"}) == {"time": 0, "user": 2, "user_id_4": 3}


def test_a_line_without_our_fields_is_no_header() -> None:
    with pytest.raises(LayoutError, match="lacks session_id, product_id"):
        read_layout(b"user_id,action_type,event_time\n", {})


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_a_file_is_read_plain_or_compressed(tmp_path: Path, compression: str | None) -> None:
    content = b"a,b\n" + b"1,2\n" * 100_000
    path = tmp_path / "file"
    path.write_bytes(content if compression is None else gzip.compress(content, 1))
    header, records = open_records(str(path).encode(), compression, TWO)
    assert header == b"a,b\n"
    found = list(records)
    assert len(found) == 100_000
    assert (found[-1].line_no, found[-1].byte_offset) == (100_001, len(content) - 4)


def test_a_damaged_file_is_named_as_such(tmp_path: Path) -> None:
    path = tmp_path / "file.gz"
    path.write_bytes(gzip.compress(b"a,b\n" + bytes(range(256)) * 9000)[:-50])
    with pytest.raises(UnreadableError, match="damaged"):
        _ = [list(records) for _, records in [open_records(str(path).encode(), "gzip", TWO)]]
