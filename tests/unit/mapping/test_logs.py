"""Logs of web servers: fields between blanks, and the W3C's format. Both readers agree on what is right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from test_mapping_language import values
from two_readers import WHOLE, Cut, Outcomes, agreed

from spark.cleaning.time_bounds import EARLIEST_US, TimeBounds

ALL_TIMES = TimeBounds(EARLIEST_US, 4_000_000_000_000_000)
TEN = 1_583_056_800_000_000  # 2020-03-01, 10:00 in UTC


@pytest.fixture
def read(tmp_path: Path) -> Any:
    def outcomes(toml: str, content: str, cut: Cut = WHOLE) -> Outcomes:
        return agreed(tmp_path, content.encode(), toml, ALL_TIMES, relative="access.log", cut=cut)

    return outcomes


def test_the_log_of_a_server_is_read_by_blanks_and_quotes(read: Any) -> None:
    toml = """[format]
delimiter = " "
header = ["ip", "ident", "user", "day", "offset", "request", "status", "bytes", "referrer", "agent"]
[fields]
session_id = false
action_type = { column = "request", split = "/", part = 2 }
product_id = { column = "request", split = "/", part = 3, before = ["?", " "] }
event_time = { join = ["day", "offset"] }
user_agent = "agent"
[actions]
product = "view"
[values]
also_nothing = ["-"]
[time]
format = "[%d/%b/%Y:%H:%M:%S %z]"
"""
    log = (
        '1.2.3.4 - u1 [01/Mar/2020:10:00:00 +0100] "GET /product/17?x HTTP/1.1" 200 5 "-" "Mozilla/5.0 (\\"Y\\")"\n'
        '1.2.3.4 - u2 [01/Mar/2020:10:00:01 +0100] "POST /cart/18 HTTP/1.1" 200 5 "https://a/" "curl"\n'
        '1.2.3.4 - - [01/Mar/2020:10:00:01 +0100] "GET /product/19 HTTP/1.1" 200 5 "-" "-"\n'
    )
    found = read(toml, log)
    assert values(found, "user_id", "action_type", "product_id", "event_time", "user_agent") == [
        ("u1", "view", "17", 1_583_053_200_000_000, 'Mozilla/5.0 ("Y")'),
        ("u2", "add_to_cart", "18", 1_583_053_201_000_000, "curl"),
        ("missing_user_id", "-"),
    ]


OF_CLOUDFRONT = """[fields]
user_id = "c-ip"
session_id = false
action_type = { constant = "view" }
product_id = { column = "cs-uri-query", query = "sku" }
user_agent = { column = "cs(User-Agent)", decode = "percent" }
event_time = { join = ["date", "time"] }
[values]
also_nothing = ["-"]
"""


@pytest.mark.parametrize(("sign", "agent"), [("\t", "Mozilla/5.0%20(X)"), (" ", "Mozilla/5.0%20(X)")])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("cut", [Cut(), Cut(block_bytes=4), Cut(is_zipped=True)])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_log_in_the_format_of_the_w3c_names_its_columns(
    read: Any, sign: str, agent: str, end: str, cut: Cut, mark: str
) -> None:
    directives = ["#Version: 1.0", "#Date: 2020-03-01", "#Fields: date time c-ip cs-uri-query cs(User-Agent)"]
    rows = [
        ["2020-03-01", "10:00:00", "u1", "a=1&sku=p%201", agent],
        ["2020-03-01", "10:00:01", "-", "sku=2", "-"],
    ]
    content = mark + end.join([*directives, *(sign.join(row) for row in rows), ""])
    found = read(OF_CLOUDFRONT, content, cut)
    assert values(found, "user_id", "product_id", "event_time", "user_agent", "line_no") == [
        ("u1", "p 1", TEN, "Mozilla/5.0 (X)", 4),
        ("missing_user_id", "-"),
    ]


def test_the_delimiter_of_a_mapping_comes_before_that_of_a_log(read: Any) -> None:
    toml = OF_CLOUDFRONT + '[format]\ndelimiter = ","\n'
    found = read(
        toml, "#Fields: date time c-ip cs-uri-query cs(User-Agent)\n2020-03-01,10:00:00,u 1,sku=2,\ta\n"
    )
    assert values(found, "user_id", "user_agent") == [("u 1", "a")]
