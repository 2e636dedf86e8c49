"""The audit's own reading of times, by the rules for values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from clickstream_assets.second_reader.times import Times

DAY = "2026-03-01"
NOON = "2026-03-01 12:00:00.000000"


def moment(text: str, **settings: str) -> str | None:
    found = Times(**settings).microseconds(text)  # type: ignore[arg-type]
    if found is None:
        return None
    return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=found):%Y-%m-%d %H:%M:%S.%f}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{DAY}T12:00:00Z", NOON),
        (f"{DAY}t12:00:00z", NOON),
        (f"{DAY} 12:00:00", NOON),
        (f"{DAY} 12:00", NOON),
        (f"{DAY}T12:00Z", NOON),
        (f"{DAY}T12:00 utc", NOON),
        (f"{DAY} 12:00:00 UTC", NOON),
        (f"{DAY} 12:00:00GMT", NOON),
        (f"{DAY} 12:00:00 gMt", NOON),
        (f"{DAY}T14:00:00+02", NOON),
        (f"{DAY}T14:00:00+0200", NOON),
        (f"{DAY}T14:00:00 +02:00", NOON),
        (f"{DAY}T14:00:30+02:00:30", NOON),
        (f"{DAY}T06:30:00-05:30", NOON),
        ("2026-02-28T18:00:00-18:00", NOON),
        ("2026-03-02T06:00:00+18:00", NOON),
        (f"{DAY}T12:00:00-00:00", NOON),
        (f"{DAY}T12:00:00.5Z", "2026-03-01 12:00:00.500000"),
        (f"{DAY}T12:00:00,123456Z", "2026-03-01 12:00:00.123456"),
        (f"{DAY}T12:00:00.123456999Z", "2026-03-01 12:00:00.123456"),
        (f"{DAY}T12:00:00.{'9' * 30}Z", "2026-03-01 12:00:00.999999"),
        ("2024-02-29T23:59:59Z", "2024-02-29 23:59:59.000000"),
        ("1999-12-31T23:59:59.999999Z", "1999-12-31 23:59:59.999999"),
        ("1772366400", NOON),
        ("1772366400000", NOON),
        ("1772366400000000", NOON),
        ("1772366400000000999", NOON),
        ("1772366400.25", "2026-03-01 12:00:00.250000"),
        ("1772366400,1234567", "2026-03-01 12:00:00.123456"),
        ("1772366400123.4567", "2026-03-01 12:00:00.123456"),
        ("1772366400123456.9", "2026-03-01 12:00:00.123456"),
        ("1772366400123456789", "2026-03-01 12:00:00.123456"),
    ],
)
def test_a_time_is_read(text: str, expected: str) -> None:
    assert moment(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        DAY,
        "2026-03-01T",
        "2026-03-01T12",
        "2026-03-01  12:00:00",
        "2026-03-01_12:00:00",
        "2026-3-1 12:00:00",
        "2026-02-29T12:00:00Z",
        "2026-13-01T12:00:00Z",
        "1900-02-29T12:00:00Z",
        f"{DAY}T24:00:00Z",
        f"{DAY}T12:60:00Z",
        f"{DAY}T12:00:60Z",
        f"{DAY}T12:00:00.Z",
        f"{DAY}T12:00.5Z",
        f"{DAY}T12:00:00.{'1' * 31}Z",
        f"{DAY}T12:00:00  Z",
        f"{DAY}T12:00:00+2",
        f"{DAY}T12:00:00+18:01",
        f"{DAY}T12:00:00+18:00:01",
        f"{DAY}T12:00:00+02:60",
        f"{DAY}T12:00:00+02:00:60",
        f"{DAY}T12:00:00+0200:30",
        f"{DAY}T12:00:00 CET",
        f"{DAY}T12:00:00Z+02",
        f"{DAY}T12:00:00−02:00",  # noqa: RUF001 - not the minus of ASCII
        "٢٠٢٦-03-01T12:00:00Z",
        "177236640",
        "17723664000",
        "+1772366400",
        "-1772366400",
        "1772366400.",
        "1772366400.1e3",
        "1772366400123456789.5",
        "1.772e9",
        "now",
        "",
    ],
)
def test_anything_else_is_no_time(text: str) -> None:
    assert moment(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-07-01 12:00:00", "2026-07-01 10:00:00.000000"),
        ("2026-01-15 12:00", "2026-01-15 11:00:00.000000"),
        ("2026-07-01T12:00:00Z", "2026-07-01 12:00:00.000000"),
        ("2026-10-25 02:30:00", "2026-10-25 00:30:00.000000"),  # shown twice: the first
        ("2026-03-29 02:30:00", "2026-03-29 01:30:00.000000"),  # skipped: half past three
        ("1772366400", NOON),
    ],
)
def test_a_time_without_a_zone_is_in_the_zone_of_the_mapping(text: str, expected: str) -> None:
    assert moment(text, zone="Europe/Berlin") == expected


@pytest.mark.parametrize(
    ("text", "pattern", "expected"),
    [
        ("01.03.2026 13:00:00", "%d.%m.%Y %H:%M:%S", NOON),
        ("01.Mar.2026 13:00", "%d.%b.%Y %H:%M", NOON),
        ("01.03.2026 13:00:00.25", "%d.%m.%Y %H:%M:%S.%f", "2026-03-01 12:00:00.250000"),
        ("01.03.2026 12:00:00 +0000", "%d.%m.%Y %H:%M:%S %z", NOON),
        ("2026-03-01T12:00:00Z", "%d.%m.%Y %H:%M:%S", NOON),
        ("1.3.2026 13:00:00.1234567", "%d.%m.%Y %T.%f", "2026-03-01 12:00:00.123456"),
        ("Sun March 01 2026, 1:00:00 PM", "%a %B %d %Y, %I:%M:%S %p", NOON),
        ("sunday 03/01/26 12:00:00 AM", "%A %D %I:%M:%S %p", "2026-02-28 23:00:00.000000"),
        ("2026-03-01 12h UTC", "%F %Hh %Z", NOON),
        ("2026-03-01 14:00 +02", "%F %R %z", NOON),
        ("31.12.68 13:00", "%d.%m.%y %R", "2068-12-31 12:00:00.000000"),
        ("31.12.69 13:00", "%d.%m.%y %R", "1969-12-31 12:00:00.000000"),
        ("100% 2026-03-01 13", "100%% %F %H", NOON),
        ("2026-03-01  13:00", "%F %R", None),
        ("2026-03-01 13:00:60", "%F %T", None),
        ("01.03.2026 24:00", "%d.%m.%Y %H:%M", None),
        ("01.03.2026 13:00 PM", "%d.%m.%Y %I:%M %p", None),
        ("2026 060 13:00", "%Y %j %R", None),
        ("31.02.2026 13:00:00", "%d.%m.%Y %H:%M:%S", None),
        ("2603011300", "%y%m%d%H%M", NOON),  # ten digits, and no epoch
    ],
)
def test_a_pattern_of_the_mapping_is_tried_first(text: str, pattern: str, expected: str | None) -> None:
    assert moment(text, pattern=pattern, zone="Europe/Berlin") == expected


def test_the_first_and_the_last_year_are_reached_with_any_offset() -> None:
    assert Times().microseconds("0001-01-01T00:00:00+18:00") == -62135596800000000 - 18 * 3600 * 10**6
    assert Times().microseconds("0000-12-31T00:00:00Z") == -62135596800000000 - 24 * 3600 * 10**6
    assert Times().microseconds("0000-02-29T00:00:00Z") is not None
    assert Times().microseconds("9999-12-31T23:59:59-18:00") == 253402300799000000 + 18 * 3600 * 10**6


@pytest.mark.parametrize("text", ["0000-01-01 00:00:00", "0001-01-01 00:00:00", "9999-12-31 23:59:59"])
def test_no_zone_fails_at_the_ends_of_the_calendar(text: str) -> None:
    assert Times(zone="Asia/Tokyo").microseconds(text) is not None
    assert Times(zone="America/Los_Angeles").microseconds(text) is not None
