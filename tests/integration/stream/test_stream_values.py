"""Cleaning, value by value: each ends as an event or as a reject with a reason. One load for all of them."""

from __future__ import annotations

import pytest
from stream_pipeline import Pipeline, event

pytestmark = pytest.mark.spark

TIMES = {
    "2026-01-01T00:00:00Z": "2026-01-01 00:00:00+00",
    "2026-01-01 00:00:00": "2026-01-01 00:00:00+00",
    "2026-01-01T00:00:00.123456789Z": "2026-01-01 00:00:00.123456+00",
    "2026-01-01T00:00:00 Z": "2026-01-01 00:00:00+00",
    "2026-01-01 00:00:00.123456Z": "2026-01-01 00:00:00.123456+00",
    "2026-01-01T00:00:00.12345 Z": "2026-01-01 00:00:00.12345+00",
    "2026-01-01T02:00:00+02:00": "2026-01-01 00:00:00+00",
    "2026-01-01T02:00:00+0200": "2026-01-01 00:00:00+00",
    "2025-12-31T19:00:00-05:00": "2026-01-01 00:00:00+00",
    "2026-01-01 00:00:00 UTC": "2026-01-01 00:00:00+00",
    "1767225600": "2026-01-01 00:00:00+00",
    "1767225600123": "2026-01-01 00:00:00.123+00",
    "1767225600123456": "2026-01-01 00:00:00.123456+00",
    "2024-02-29T00:00:00Z": "2024-02-29 00:00:00+00",
    "12:00:00": "invalid_event_time",
    "2026": "invalid_event_time",
    "2026-01-01": "invalid_event_time",
    "2023-02-29T00:00:00Z": "invalid_event_time",
    "2026-13-01T00:00:00Z": "invalid_event_time",
    "2026-01-01T25:00:00Z": "invalid_event_time",
    "0000-01-01T00:00:00Z": "event_time_out_of_range",
    "1999-12-31T23:59:59Z": "event_time_out_of_range",
    "9999-01-01T00:00:00Z": "event_time_out_of_range",
    "+294247-01-10T04:00:54Z": "invalid_event_time",
    "now": "invalid_event_time",
    "event_time": "repeated_header",
    "": "missing_event_time",
    "null": "missing_event_time",
}
PRICES = {
    "9.99": "9.99",
    "0": "0",
    "+5.50": "5.50",
    " 7 ": "7",
    "123456789012345.1234567890": "123456789012345.1234567890",
    "": None,
    "(not set)": None,
    "-1": "negative_price",
    "-0.01": "negative_price",
    "NaN": None,
    "Infinity": "invalid_price",
    "1e400": "invalid_price",
    "1d": "invalid_price",
    "1.000.000": "invalid_price",
    "$5": "invalid_price",
    "٣": "invalid_price",
    "1234567890123456": "invalid_price",
}
ACTIONS = {
    "view": "view",
    " VIEW ": "view",
    "cart": "add_to_cart",
    "Add To Cart": "add_to_cart",
    "addtocart": "add_to_cart",
    "remove_from_cart": "remove_from_cart",
    "transaction": "purchase",
    "wishlist": "unknown_action_type",
    "": "missing_action_type",
    "None": "missing_action_type",
}
IDS = {
    "0012345678901234567890": "0012345678901234567890",
    "  padded\t": "padded",
    "9" * 100: "9" * 100,
    "9" * 257: "id_too_long",
    "'; DROP TABLE events; --": "'; DROP TABLE events; --",
    "<script>alert(1)</script>": "<script>alert(1)</script>",
    "\\N": "missing_user_id",
    "\\.": "\\.",
    "a\\b": "a\\b",
    "ünï¢ødé 🛒": "ünï¢ødé 🛒",
    "": "missing_user_id",
    "   ": "missing_user_id",
    "\u00a0": "missing_user_id",
}
CASES = (
    [("event_time", value, expected) for value, expected in TIMES.items()]
    + [("price", value, expected) for value, expected in PRICES.items()]
    + [("action_type", value, expected) for value, expected in ACTIONS.items()]
    + [("user_id", value, expected) for value, expected in IDS.items()]
)
COLUMN = {
    "event_time": "event_time::text",
    "price": "price::text",
    "action_type": "action_type",
    "user_id": "user_id",
}


def test_each_value_becomes_what_it_means_or_a_reject_that_says_why(pipeline: Pipeline) -> None:
    pipeline.write(
        "values.csv", "".join(event(n, **{field: value}) for n, (field, value, _) in enumerate(CASES))
    )
    pipeline.load()
    reasons = dict(pipeline.rows("SELECT line_no, reason FROM rejected_events"))  # type: ignore[arg-type]
    stored = {
        field: dict(pipeline.rows(f"SELECT line_no, {column} FROM events"))  # type: ignore[arg-type]
        for field, column in COLUMN.items()
    }
    found = [
        (field, value, reasons[line] if line in reasons else stored[field][line])
        for line, (field, value, _) in enumerate(CASES, 2)
    ]
    assert found == CASES
    pipeline.assert_conserved()


LINES = {
    "too few fields": ("a,b,c\n", "field_count"),
    "too many fields": (event(1).strip() + ",extra\n", "field_count"),
    "a stray quote": (event(2, user_agent='"Mozilla'), "unbalanced_quote"),
    "a NUL byte": (event(3, user_id="a\0b"), "nul_byte"),
    "30,000 columns": ("," * 30_000 + "\n", "field_count"),
    "a user agent of 3,000 bytes": (event(4, user_agent="x" * 3_000), "user_agent_too_long"),
    "a line of 2 MiB": ("x" * (2 << 20) + "\n", "line_too_long"),
    "the header again": (
        "event_id,user_id,session_id,action_type,product_id,event_time,price,user_agent\n",
        "repeated_header",
    ),
}


def test_a_bad_line_is_rejected_and_never_stops_the_good_ones(pipeline: Pipeline) -> None:
    lines = [text for bad, (text, _) in LINES.items()]
    pipeline.write("lines.csv", "".join(line + event(100 + number) for number, line in enumerate(lines)))
    pipeline.load()
    assert pipeline.counts() == (2 * len(LINES), len(LINES), 0, len(LINES))
    assert [reason for (reason,) in pipeline.rows("SELECT reason FROM rejected_events ORDER BY line_no")] == [
        reason for _, reason in LINES.values()
    ]
    pipeline.assert_conserved()


def test_values_with_commas_quotes_and_newlines_are_values(pipeline: Pipeline) -> None:
    agent = 'Mozilla, "quoted"\nsecond line'
    quoted = '"' + agent.replace('"', '""') + '"'
    pipeline.write("a.csv", event(1, user_agent=quoted) + event(2))
    pipeline.load()
    assert pipeline.rows("SELECT line_no::int, user_agent FROM events ORDER BY line_no") == [
        (2, agent),
        (4, "Mozilla/5.0"),
    ]


def test_windows_line_ends_and_a_byte_order_mark_are_no_part_of_the_values(pipeline: Pipeline) -> None:
    header = b"\xef\xbb\xbf" + b"event_time,user_id,session_id,action_type,product_id\r\n"
    pipeline.write("a.csv", b"2026-01-01T00:00:00Z,u,s,view,p\r\n", header)
    pipeline.load()
    assert pipeline.rows("SELECT product_id, extra FROM events") == [("p", None)]
