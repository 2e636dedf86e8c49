"""Headers are matched by name, in any order and spelling."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from spark.mapping.mapping_file import mapping_of
from spark.reading.header import FIELDS, MAX_COLUMNS, HeaderError, Layout, parse_header

OURS = b"event_id,user_id,session_id,action_type,product_id,event_time,price,user_agent\n"


def test_our_own_header_gives_each_field_its_column() -> None:
    assert parse_header(OURS).field_positions() == {
        name: index for index, name in enumerate(OURS.decode().strip().split(","))
    }


@pytest.mark.parametrize(
    ("header", "user", "time"),
    [
        (
            b"event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session\r\n",
            7,
            0,
        ),
        (b"timestamp,visitorid,event,itemid,session_id\n", 1, 0),
        (b"USER_ID ; Session_ID;ACTION;Product_Id;TimeStamp\n", 0, 4),
        (b'"event_timestamp"\t"user_id"\t"session"\t"event_name"\t"sku"\n', 1, 0),
    ],
)
def test_headers_of_other_producers_are_understood(header: bytes, user: int, time: int) -> None:
    positions = parse_header(header).field_positions()
    assert (positions["user_id"], positions["event_time"]) == (user, time)


def test_the_own_name_of_a_field_wins_over_an_alias_and_the_other_column_is_kept() -> None:
    layout = parse_header(b"event_type,action_type,user_id,session_id,product_id,event_time\n")
    assert layout.field_positions()["action_type"] == 1
    assert layout.extra_columns() == {"event_type": 0}


@pytest.mark.parametrize(
    "name",
    [
        "Event ID",
        "event-id",
        "Event.Id",
        "EVENT_ID",
        "eventId",
        "event\u00a0id",
        "\ufeff\ufeffevent_id",
        "event\u200b_id",
        "\u2060event_id\u2060",
        "  event id  ",
        "\u200eevent_id",
        "event\u2013id",
    ],
)
def test_names_are_compared_without_what_people_write_between_words_and_what_cannot_be_seen(
    name: str,
) -> None:
    line = f"{name},User ID,session-id,Action Type,PRODUCT.ID,Event Time\n"
    assert list(parse_header(line.encode()).field_positions().values()) == list(range(6))


def test_so_are_the_names_of_a_mapping_and_those_of_other_producers() -> None:
    mapping = mapping_of({"columns": {"kunden_nr": "user_id"}}, "mapping.toml")
    layout = parse_header(b"Kunden Nr,User Session,Event-Name,SKU,Time Stamp\n", mapping)
    fields = ["user_id", "session_id", "action_type", "product_id", "event_time"]
    assert layout.field_positions({"kunden_nr": "user_id"}) == dict(zip(fields, range(5), strict=True))


def test_of_two_columns_that_claim_a_field_the_one_with_its_very_name_has_it() -> None:
    layout = Layout(("Event-Id", "event_id", "Event Time", "timestamp"))
    assert layout.field_positions() == {"event_id": 1, "event_time": 2}
    assert layout.extra_columns() == {"Event-Id": 0, "timestamp": 3}


def test_a_byte_order_mark_before_a_quoted_name_hides_neither() -> None:
    header = b'\xef\xbb\xbf\xef\xbb\xbf"user_id";\xe2\x80\x8b"session_id";"action_type";"product_id";"event_time"\n'
    assert len(parse_header(header).field_positions()) == 5


def test_a_column_that_is_not_ours_keeps_its_name_without_what_cannot_be_seen() -> None:
    layout = parse_header(
        "user_id,session_id,action_type,product_id,event_time, My\u200b Colour \u00a0\n".encode()
    )
    assert layout.extra_columns() == {"My Colour": 5}


def test_a_named_delimiter_is_the_one() -> None:
    header = b"user_id;session_id;action_type;product_id;event_time;a,b,user_id,session_id\n"
    assert parse_header(header, delimiter=";").columns[-1] == "a,b,user_id,session_id"


names = st.sampled_from(
    ["", " ", "x", "X", "x_2", "x_3", "x_2_2", "column_1", "column_2", "event_id", "price", "user_id"]
)


@given(st.lists(names, max_size=10).map(tuple))
@example(("x", "x_11", *["x"] * 10))
@example(("x", "x", "x_2", "x_2"))
def test_each_column_has_a_key_of_its_own_and_none_is_that_of_a_field(columns: tuple[str, ...]) -> None:
    layout = Layout(columns)
    ours, extra = layout.field_positions(), layout.extra_columns()
    assert sorted([*ours.values(), *extra.values()]) == list(range(len(columns)))
    assert not set(extra) & set(FIELDS)
    assert all(extra)
    for name, index in extra.items():  # a name that is there once is not taken away by one made up
        assert name == columns[index].strip() or name not in columns


SECRET = b"hunter2"


@pytest.mark.parametrize(
    "line", [SECRET + b",x\n", b"user_id," + SECRET + b"\n", SECRET * 20_000, SECRET + b"\0\n"]
)
def test_nothing_of_a_refused_line_is_quoted(line: bytes) -> None:
    with pytest.raises(HeaderError) as caught:
        parse_header(line)
    assert SECRET.decode() not in str(caught.value) + caught.value.detail


def test_columns_without_a_name_or_with_a_repeated_one_are_kept_under_a_name_of_their_own() -> None:
    layout = Layout(("user_id", "", "note", "note"))
    assert layout.extra_columns() == {"column_2": 1, "note": 2, "note_4": 3}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"1,2,3\n", "no_header"),
        (b"user_id,session_id,action_type,product_id\n", "missing_columns"),
        ("user_id,ärger\n".encode("latin-1"), "not_text"),
        (b"user_id\0,x\n", "not_text"),
        (b"x" * 70_000, "header_too_long"),
        (OURS.strip() + b",c" * MAX_COLUMNS + b"\n", "too_many_columns"),
        (b"\n", "no_header"),
        (OURS.strip() + b"\r1,2,3,4,5\r", "line_ends"),
        (OURS.strip() + b"\r1,2,3,4,5" * 10_000, "line_ends"),
    ],
)
def test_a_line_that_is_no_usable_header_says_why(line: bytes, reason: str) -> None:
    with pytest.raises(HeaderError) as caught:
        parse_header(line)
    assert caught.value.reason == reason
