"""Zones that times name themselves. Both readers agree on what is right."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from test_mapping_language import values
from two_readers import agreed

from clickstream_assets.errors import SettingsError
from spark.cleaning.time_bounds import EARLIEST_US, TimeBounds
from spark.mapping.mapping_file import mapping_of

ALL_TIMES = TimeBounds(EARLIEST_US, 4_000_000_000_000_000)
NOON = 1_583_064_000_000_000  # 2020-03-01, 12:00 in UTC
HOUR = 3_600_000_000
ZONES = 'zones = { PST = "-08:00", CET = "Europe/Berlin", est = "-0500" }\n'


@pytest.fixture
def moment(tmp_path: Path) -> Any:
    def read(toml: str, text: str) -> Any:
        row = f'u,s,view,p,"{text}"\n'
        content = f"user,session,action,item,ts\n{row}".encode()
        return values(agreed(tmp_path, content, f"[time]\n{toml}", ALL_TIMES), "event_time")[0]

    return read


@pytest.mark.parametrize(
    ("toml", "text", "expected"),
    [
        ("", "2020-03-01 12:00:00 Europe/Berlin", NOON - HOUR),
        ("", "2020-07-01 12:00:00 Europe/Berlin", NOON + 122 * 24 * HOUR - 2 * HOUR),
        ("", "2020-03-01T12:00:00.5 America/Argentina/Buenos_Aires", NOON + 3 * HOUR + 500_000),
        ('zone = "Asia/Tokyo"\n', "2020-03-01 12:00 Europe/Berlin", NOON - HOUR),
        ("", "2020-03-01T12:00:00+01:00[Europe/Berlin]", NOON - HOUR),
        ("", "2020-03-01T12:00:00Z[UTC]", NOON),
        ("", "2020-03-01 12:00:00 europe/berlin", None),
        ("", "2020-03-01 12:00:00 Europe/Atlantis", None),
        ("", "2020-03-01 12:00:00 Etc/GMT+5", None),  # whose sign means the contrary, and digits are no name
        ("", "2020-03-01 12:00:00 PST", None),
        ("", "2020-03-01 12:00:00 CET", None),
        ("", "2020-03-01 12:00:00 PM", None),
        (ZONES, "2020-03-01 12:00:00 PST", NOON + 8 * HOUR),
        (ZONES, "2020-07-01 12:00:00 pst", NOON + 122 * 24 * HOUR + 8 * HOUR),
        (ZONES, "2020-07-01 12:00:00 CET", NOON + 122 * 24 * HOUR - 2 * HOUR),
        (ZONES, "2020-03-01 12:00:00 EST", NOON + 5 * HOUR),
        (ZONES, "2020-03-01 12:00:00 EDT", None),
        (f'format = "%d.%m.%Y %H:%M %Z"\n{ZONES}', "01.03.2020 12:00 PST", NOON + 8 * HOUR),
        (f'format = "%d.%m.%Y %H:%M %Z"\n{ZONES}', "01.03.2020 12:00 GMT", NOON),
        ('format = "%d.%m.%Y %H:%M %Z"\n', "01.03.2020 12:00 Europe/Berlin", NOON - HOUR),
        ('format = "%d.%m.%Y %H:%M %Z"\n', "01.03.2020 12:00 CEST", None),
        ('format = "%a %b %d %H:%M:%S %Z %Y"\n' + ZONES, "Sun Mar 01 12:00:00 CET 2020", NOON - HOUR),
        ('format = "%m/%d/%Y, %I:%M:%S %p"\n', "3/1/2020, 12:00:00\u202fPM", NOON),
        ("", "2020-03-01\u00a012:00:00", NOON),
    ],
)
def test_a_time_in_the_zone_that_it_names(moment: Any, toml: str, text: str, expected: int | None) -> None:
    assert moment(toml, text) == (("invalid_event_time", text) if expected is None else expected)


@pytest.mark.parametrize(
    ("zones", "sentence"),
    [
        ('{ PST = "America/LosAngeles" }', "give an offset like -08:00, or a name"),
        ('{ PST = "-8" }', "give an offset like -08:00, or a name"),
        ('{ UTC = "+01:00" }', "'UTC' is UTC"),
        ('{ "P S" = "+01:00" }', "no name that is read"),
        ("7", "takes lines like name"),
    ],
)
def test_a_name_that_means_nothing_is_refused(zones: str, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        mapping_of(tomllib.loads(f"[time]\nzones = {zones}\n"), "mapping.toml")


def test_ticks_of_a_hundred_nanoseconds_are_added_to_the_day_that_they_count_from(tmp_path: Path) -> None:
    toml = (
        '[fields]\nevent_time = { sum = [{ constant = "0001-01-01" }, { column = "ts", unit = "100ns" }] }\n'
        '[time]\ntime_of_day = "00:00"\n'
    )
    ticks = (NOON + 62_135_596_800_000_000) * 10 + 19
    content = f"user,session,action,item,ts\nu,s,view,p,{ticks}\n".encode()
    assert values(agreed(tmp_path, content, toml, ALL_TIMES), "event_time") == [NOON + 1]
