"""How a changed header is told. Guards against a change that is reported without saying what changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from clickstream_assets.checks.on_events.headers import Header, Headers, RejectedFiles, difference, most_alike

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)


def header(*columns: str, delimiter: str = ",", hours: int = 0, is_new: bool = False) -> Header:
    return Header(columns, delimiter, BEGIN + timedelta(hours=hours), is_new, "a.csv" if is_new else None)


@pytest.mark.parametrize(
    ("after", "text"),
    [
        (header("id", "price", "time"), "the same columns in another order"),
        (header("id", "time"), "without price"),
        (header("id", "time", "price", "colour"), "with colour"),
        (header("id", "time", "amount"), "without price, with amount"),
        (header("id", "time", "price", delimiter=";"), "separated by ';' instead of ','"),
    ],
)
def test_a_difference_is_what_a_reader_would_have_to_change(after: Header, text: str) -> None:
    assert difference(header("id", "time", "price"), after) == text


def test_names_of_columns_and_files_cannot_flood_or_break_what_is_said() -> None:
    many = header("id", "time", "price", *(f"extra{number}" for number in range(12)), is_new=True)
    assert difference(header("id", "time", "price"), many).endswith(", extra8, extra9 and 2 more")
    hostile = replace(header("id", "x" * 5000, "a\nb\x1b[2J", is_new=True), path="day\n1.csv")
    (clause,) = Headers((header("id"),), (hostile,), (), 3600.0).changes()
    assert clause == f"day\\n1.csv since 2026-03-01 00:00:00 UTC: with {'x' * 40}…, a\\nb\\x1b[2J"


def test_a_header_is_compared_with_the_one_that_it_came_from() -> None:
    other = header("a", "b", "c", hours=2)
    origin = header("id", "time", "price")
    assert most_alike(header("id", "time", "amount"), [other, origin]) is origin
    assert most_alike(header("id"), []) is None


def test_two_changes_in_a_row_are_each_compared_with_what_was_before_them() -> None:
    first = header("id", "time", "amount", hours=1, is_new=True)
    second = header("id", "time", "amount", "colour", hours=2, is_new=True)
    headers = Headers((header("id", "time", "price"),), (first, second), (), 3600.0)
    assert headers.changes() == [
        "a.csv since 2026-03-01 01:00:00 UTC: without price, with amount",
        "a.csv since 2026-03-01 02:00:00 UTC: with colour",
    ]


def test_an_unusable_header_is_told_apart_from_a_file_that_cannot_be_read() -> None:
    rejected = (
        RejectedFiles("missing_columns", 2, ("b.csv",)),
        RejectedFiles("no_header", 1, ()),
        RejectedFiles("damaged_gzip", 4, ()),
    )
    headers = Headers((), (), rejected, 3600.0)
    assert (headers.unusable, headers.unreadable) == (3, 4)
