"""The comparison of one row: what differs, and which stored reasons are believed though the file does not give them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from clickstream_assets.second_reader.outcomes import Event, Record, Reject, rejected
from clickstream_assets.second_reader.times import EARLIEST
from clickstream_assets.values_audit.compare import (
    DAY,
    SLACK,
    belief,
    duplicate_differs,
    event_differs,
    reject_differs,
)
from clickstream_assets.values_audit.stored import Duplicate, StoredEvent, StoredReject

LOADED = 1_700_000_000_000_000  # microseconds
EVENT = Event(2, "id", "u", "s", "view", "p", LOADED, "9.99", "Mozilla", {"shop": "a"})
STORED = StoredEvent(1, 2, EVENT[1:-1], '{"shop": "a"}', LOADED)
RECORD = Record(2, 100, 8, b"u,s,bad\n", None)


def stored_reject(reason: str, rejected_at: int = LOADED) -> StoredReject:
    ours = rejected(RECORD, reason)
    return StoredReject(1, 2, reason, ours.raw, ours.byte_offset, ours.byte_length, rejected_at)


def test_an_event_that_is_stored_as_the_file_says_it_does_not_differ() -> None:
    assert list(event_differs(EVENT, STORED)) == []
    assert list(event_differs(EVENT._replace(extra=None), STORED._replace(extra=None))) == []


def test_each_field_that_differs_is_named_with_both_values() -> None:
    stored = STORED._replace(values=EVENT._replace(user_id=None, price="9.98")[1:-1])
    assert list(event_differs(EVENT, stored)) == [("user_id", None, "u"), ("price", "9.98", "9.99")]


@pytest.mark.parametrize(
    ("ours", "stored"), [(None, '{"shop": "a"}'), ({"shop": "a"}, None), ({"shop": "a"}, '{"shop": "b"}')]
)
def test_what_is_not_ours_is_compared_as_json(ours: dict[str, str] | None, stored: str | None) -> None:
    (found,) = event_differs(EVENT._replace(extra=ours), STORED._replace(extra=stored))
    assert (found.field, found.stored) == ("extra", stored)


def test_an_event_from_a_time_that_the_day_of_loading_did_not_allow_is_told() -> None:
    future = EVENT._replace(event_time=LOADED + DAY + SLACK + 1)
    (found,) = event_differs(future, STORED._replace(values=future[1:-1]))
    assert found.field == "row"
    allowed = EVENT._replace(event_time=LOADED + DAY + SLACK)
    assert list(event_differs(allowed, STORED._replace(values=allowed[1:-1]))) == []


BAD_PRICE = Reject(2, 100, 8, b"", "invalid_price", event_time=LOADED)


@pytest.mark.parametrize(
    ("outcome", "reason", "floor", "found"),
    [
        (EVENT, "refused_by_database", None, "believed"),
        (BAD_PRICE, "refused_by_database", None, "wrong"),  # it would never have been sent there
        (EVENT, "missing_user_id", None, "wrong"),
        (BAD_PRICE._replace(reason="missing_user_id"), "too_old", None, "wrong"),  # judged before the time
        (BAD_PRICE._replace(event_time=None), "too_old", None, "wrong"),
        (EVENT._replace(event_time=LOADED + DAY), "event_time_out_of_range", None, "believed"),
        (EVENT._replace(event_time=LOADED + DAY + SLACK + 1), "event_time_out_of_range", None, "sure"),
        (EVENT._replace(event_time=LOADED + DAY - SLACK), "event_time_out_of_range", None, "wrong"),
        (EVENT._replace(event_time=LOADED - DAY - 1), "too_old", None, "believed"),
        (EVENT._replace(event_time=LOADED - DAY), "too_old", None, "wrong"),
        (
            EVENT._replace(event_time=LOADED - DAY),
            "too_old",
            LOADED,
            "believed",
        ),  # retention goes further now
        (EVENT._replace(event_time=EARLIEST - 1), "too_old", None, "wrong"),  # out of range at any time
        (BAD_PRICE._replace(event_time=LOADED - DAY - 1), "too_old", None, "believed"),
    ],
)
def test_a_reason_that_the_moment_of_loading_decided_is_believed_where_the_time_allows_it(
    outcome: Event | Reject, reason: str, floor: int | None, found: str
) -> None:
    assert belief(outcome, stored_reject(reason), floor) == found


def test_a_reject_that_the_file_gives_too_does_not_differ() -> None:
    assert list(reject_differs(BAD_PRICE, RECORD, stored_reject("invalid_price"), None)) == []


def test_a_wrong_reason_is_told_as_a_reason_and_a_good_row_as_a_row() -> None:
    stored = stored_reject("missing_user_id")
    assert list(reject_differs(BAD_PRICE, RECORD, stored, None)) == [
        ("reason", "missing_user_id", "invalid_price")
    ]
    assert list(reject_differs(EVENT, RECORD, stored, None)) == [("row", "missing_user_id", "an event")]


def test_the_evidence_of_a_reject_is_compared_with_the_file() -> None:
    stored = stored_reject("invalid_price")._replace(raw=b"other", byte_offset=7, byte_length=9)
    assert list(reject_differs(BAD_PRICE, RECORD, stored, None)) == [
        ("raw", "b'other'", "b'u,s,bad'"),
        ("byte_offset", "7", "100"),
        ("byte_length", "9", "8"),
    ]


SAME = ("u", "s", "view", "p", Decimal("9.990"), "Mozilla")


@pytest.mark.parametrize(
    ("is_conflict", "values", "says"),
    [
        (False, SAME, None),
        (True, ("other", *SAME[1:]), None),
        (True, SAME, ("a duplicate, noted as a conflict", "the values of the event with its id")),
        (
            False,
            ("other", *SAME[1:]),
            ("a duplicate, not noted as a conflict", "other values than those of the event with its id"),
        ),
    ],
)
def test_a_duplicate_is_a_conflict_exactly_where_its_content_is_another(
    is_conflict: bool, values: tuple[object, ...], says: tuple[str, str] | None
) -> None:
    found = duplicate_differs(EVENT, Duplicate(True, is_conflict, values, '{"shop": "a"}'))
    assert (found and found[1:]) == says


def test_a_row_that_is_nowhere_stored_is_no_duplicate() -> None:
    found = duplicate_differs(EVENT, Duplicate(False, False, SAME, None))
    assert found is not None
    assert (found.field, found.stored) == ("row", None)
