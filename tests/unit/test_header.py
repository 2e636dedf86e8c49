"""Headers are matched by name, in any order and spelling."""

from __future__ import annotations

import pytest

from spark.header import MAX_COLUMNS, HeaderError, Layout, parse_header

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
