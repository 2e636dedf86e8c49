"""Times of the stream, form by form, over whole columns: each text alone and among others of every shape."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from spark.cleaning.times import read_times
from spark.mapping.time_formats import TimeFormatError, TimeFormats, compiled

DAY = "2026-03-01"
NOON = "2026-03-01 12:00:00.000000"


def moments(texts: list[str | None], form: str | None = None, zone: str = "UTC") -> list[str | None]:
    found = read_times(pa.array(texts, pa.string()), TimeFormats(form, zone))
    return [
        f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros):%Y-%m-%d %H:%M:%S.%f}"
        if valid
        else None
        for micros, valid in zip(found.microseconds.tolist(), found.valid.tolist(), strict=True)
    ]


READ = {
    f"{DAY}T12:00:00Z": NOON,
    f"{DAY}t12:00:00z": NOON,
    f"{DAY} 12:00:00": NOON,
    f"{DAY} 12:00": NOON,
    f"{DAY}T12:00Z": NOON,
    f"{DAY} 12:00:00 UTC": NOON,
    f"{DAY} 12:00:00gMt": NOON,
    f"{DAY}T14:00:00+02": NOON,
    f"{DAY}T14:00:00+0200": NOON,
    f"{DAY}T14:00:00 +02:00": NOON,
    f"{DAY}T14:00:30+02:00:30": NOON,
    f"{DAY}T06:30:00-05:30": NOON,
    "2026-02-28T18:00:00-18:00": NOON,
    f"{DAY}T12:00:00-00:00": NOON,
    f"{DAY}T12:00:00.5Z": "2026-03-01 12:00:00.500000",
    f"{DAY}T12:00:00,1234569Z": "2026-03-01 12:00:00.123456",
    f"{DAY}T12:00:00.{'9' * 30}Z": "2026-03-01 12:00:00.999999",
    "2024-02-29T23:59:59Z": "2024-02-29 23:59:59.000000",
    "9999-12-31T23:59:59Z": "9999-12-31 23:59:59.000000",
    "1772366400": NOON,
    "1772366400000": NOON,
    "1772366400000000": NOON,
    "1772366400000000999": NOON,
    "1772366400.25": "2026-03-01 12:00:00.250000",
    "1772366400,1234567": "2026-03-01 12:00:00.123456",
    "1772366400123.4567": "2026-03-01 12:00:00.123456",
    "1772366400123456.9": "2026-03-01 12:00:00.123456",
}
NOT_READ = [
    None, "", DAY, f"{DAY}T", f"{DAY}T12", f"{DAY}  12:00:00", "2026-3-1 12:00:00", "2026-02-29T12:00:00Z",
    "2026-13-01T12:00:00Z", "2026-00-01T12:00:00Z", "2026-01-00T12:00:00Z", "1900-02-29T12:00:00Z",
    f"{DAY}T24:00:00Z",
    f"{DAY}T12:60:00Z", f"{DAY}T12:00:60Z", f"{DAY}T12:00:00.Z", f"{DAY}T12:00.5Z",
    f"{DAY}T12:00:00.{'1' * 31}Z",
    f"{DAY}T12:00:00  Z", f"{DAY}T12:00:00+2", f"{DAY}T12:00:00+18:01", f"{DAY}T12:00:00+18:00:01",
    f"{DAY}T12:00:00+02:60",
    f"{DAY}T12:00:00+0200:30", f"{DAY}T12:00:00 CET", "\u0662\u0660\u0662\u0666-03-01T12:00:00Z",
    f"{DAY}T12:00:00\u221202:00",
    "177236640", "17723664000", "+1772366400", "1772366400.", "1772366400.1e3", "1772366400123456789.5",
    "1" * 81, "now",
]  # fmt: skip


@pytest.mark.parametrize("text", list(READ))
def test_a_time_is_read(text: str) -> None:
    assert moments([text]) == [READ[text]]


@pytest.mark.parametrize("text", NOT_READ)
def test_anything_else_is_no_time(text: str | None) -> None:
    assert moments([text]) == [None]


def test_in_one_column_of_all_shapes_each_text_is_read_as_if_it_were_alone() -> None:
    texts = [*READ, *NOT_READ, *reversed(READ)]
    assert moments(texts) == [READ.get(text or "") for text in texts]
    column = pa.array(["x", *texts], pa.string())[1:]
    assert read_times(column, TimeFormats()).valid.tolist() == [text in READ for text in texts]


@pytest.mark.parametrize(
    ("zone", "local", "expected"),
    [
        ("Europe/Berlin", "2026-03-01 13:00:00", NOON),
        ("Europe/Berlin", "2026-03-29 02:30:00", "2026-03-29 01:30:00.000000"),  # skipped: moved on
        ("Europe/Berlin", "2026-10-25 02:30:00", "2026-10-25 00:30:00.000000"),  # twice: the first
        ("Australia/Lord_Howe", "2026-04-05 01:45:00", "2026-04-04 14:45:00.000000"),
        # Newfoundland's clocks changed at 00:01.
        ("America/St_Johns", "2005-10-30 00:00:59.999999", "2005-10-30 02:30:59.999999"),
        ("America/St_Johns", "2005-10-30 00:01:00", "2005-10-30 03:31:00.000000"),
        ("America/St_Johns", "2005-04-03 01:00:59", "2005-04-03 04:30:59.000000"),
        ("America/St_Johns", "2005-04-03 01:01:00", "2005-04-03 03:31:00.000000"),
        ("Pacific/Apia", "2011-12-30 12:00:00", "2011-12-30 22:00:00.000000"),  # a day that was not
        ("Europe/Berlin", "2026-03-01T12:00:00Z", NOON),
        ("Europe/Berlin", "1772366400", NOON),
    ],
)
def test_a_time_without_a_zone_is_of_the_mappings(zone: str, local: str, expected: str) -> None:
    assert moments([local], zone=zone) == [expected]


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        ("%d.%m.%Y %H:%M:%S", "01.03.2026 12:00:00", NOON),
        ("%d.%m.%Y %H:%M:%S", "1.3.2026 12:0:0", NOON),
        ("%d.%m.%Y %H:%M:%S", "32.03.2026 12:00:00", None),
        ("%d.%m.%Y %H:%M:%S", f"{DAY} 12:00", NOON),  # ISO is read besides
        ("%m/%d/%y %I:%M %p", "03/01/26 12:00 pm", NOON),
        ("%m/%d/%y %I:%M %p", "03/01/26 12:00 AM", "2026-03-01 00:00:00.000000"),
        ("%m/%d/%y %I:%M %p", "03/01/69 01:00 am", "1969-03-01 01:00:00.000000"),
        ("%m/%d/%y %I:%M %p", "03/01/26 13:00 pm", None),
        ("%a, %d %b %Y %T %z", "Sun, 01 MAR 2026 14:00:00 +02:00", NOON),
        ("%d %B %Y %H", "1 March 2026 12", NOON),
        ("%d.%m.20%y %R", "01.03.2026 12:00", NOON),
        ("%d.%m.20%y %R", "01.03.1926 12:00", None),  # the format's own digits must be there
        ("%Y%m%d%H", "2026030112", NOON),
        ("%Y%m%d%H", "1772366400", NOON),  # no month 23: an epoch
        ("%Y-%d-%m %T", "2026-01-03 12:00:00", NOON),
        ("%Y-%d-%m %T", "2026-03-25 12:00:00", "2026-03-25 12:00:00.000000"),  # no month 25: ISO
    ],
)
def test_the_mappings_format_is_tried_first(form: str, text: str, expected: str | None) -> None:
    assert moments([text], form) == [expected]
    assert moments(["x", text, "1772366400", text], form)[1::2] == [expected, expected]


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("%d.%m.%Y", "needs exactly one of %H %I"),
        ("%H:%M:%S", "needs exactly one of %Y %y"),
        ("%Y-%m-%d %j %H", "'%j' is unknown"),
        ("%Y-%m-%d %H %", "'%' is unknown"),
        ("%Y-%m-%d %d %H", "'%d' is there twice"),
        ("%Y-%m-%d %I:%M", "%I and %p go together"),
        ("%Y-%m-%d %H %z %Z", "say the same"),
    ],
)
def test_a_format_that_no_time_can_be_read_by_is_refused(form: str, said: str) -> None:
    with pytest.raises(TimeFormatError, match=said):
        compiled(form)
