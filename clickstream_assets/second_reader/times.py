"""Times of events: from their text to microseconds since 1970.

Whole numbers throughout: nothing is rounded, and no year is out of reach while an offset is taken off.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from clickstream_assets.second_reader.patterns import NAME, ZONE, Pattern, ordinal, seconds_of_day

_ISO = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,30}))?)?"
    rf"(?: ?({ZONE})(?:\[{NAME}\])?| ({NAME}))?",
    re.IGNORECASE,
)
_EPOCH = re.compile(r"([0-9]{10}|[0-9]{13}|[0-9]{16})(?:[.,]([0-9]{1,30}))?|([0-9]{19})")
_DAY_ALONE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# Nanoseconds.
_UNITS = {
    "d": 86_400 * 10**9, "h": 3_600 * 10**9, "min": 60 * 10**9, "s": 10**9, "ms": 10**6, "us": 10**3, "100ns": 100,
    "ns": 1,
}  # fmt: skip
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_EPOCH_MOMENT = datetime(1970, 1, 1)
_DAY, _SECOND = 86_400_000_000, 1_000_000  # microseconds
_WIDEST_OFFSET = 18 * 3600
_MICROSECOND = timedelta(microseconds=1)
_REACHED = (date(1, 1, 1).toordinal() - _EPOCH_DAY) * _DAY
EARLIEST = (date(2000, 1, 1).toordinal() - _EPOCH_DAY) * _DAY


class Times:
    """Reads times. `pattern`: strptime's notation, tried first. `zone`: of times that name none. `time_of_day`: of
    texts that are a day alone. `zones`: what names of zones mean, an offset or another name."""

    def __init__(
        self,
        pattern: str | None = None,
        zone: str = "UTC",
        time_of_day: str | None = None,
        zones: Mapping[str, str] | None = None,
    ) -> None:
        self._zones = {name.lower(): meaning for name, meaning in (zones or {}).items()}
        self._pattern = None if pattern is None else Pattern(pattern, time_of_day)
        self._at = None if time_of_day is None else seconds_of_day(time_of_day)
        self._zone = None if zone == "UTC" else ZoneInfo(zone)

    def microseconds(self, text: str) -> int | None:
        """The moment that `text` names, or None."""
        for blank in "\u00a0\u2009\u202f":
            text = text.replace(blank, " ")
        if not text.isascii():
            return None
        if self._pattern is not None and (written := self._pattern.read(text)) is not None:
            return self._moment((written.ordinal - _EPOCH_DAY) * _DAY + written.microseconds, written.zone)
        found = _ISO.fullmatch(text)
        if found is not None:
            day, hour, minute, second, fraction, zone, name = found.groups()
            return self._iso(day, hour, minute, second, fraction, zone or name)
        if self._at is not None and _DAY_ALONE.fullmatch(text) is not None:
            days = _days(text)
            return None if days is None else self._moment(days * _DAY + self._at * _SECOND, None)
        return _epoch(text)

    def total(self, texts: Sequence[tuple[str, str | None]]) -> int | None:
        """Times and durations added up; a text with a unit is a duration."""
        parts = [self.microseconds(text) if unit is None else duration(text, unit) for text, unit in texts]
        return None if None in parts else sum(part or 0 for part in parts)

    def _iso(
        self, day: str, hour: str, minute: str, second: str | None, fraction: str | None, zone: str | None
    ) -> int | None:
        days = _days(day)
        seconds = _seconds(hour, minute, second or "00", most_hours=23)
        if days is None or seconds is None:
            return None
        micros = int(fraction[:6].ljust(6, "0")) if fraction else 0
        return self._moment(days * _DAY + seconds * _SECOND + micros, zone)

    def _moment(self, moment: int, zone: str | None) -> int | None:
        """The moment at which a clock of `zone` shows `moment`."""
        if zone is not None and zone.lower() in self._zones:
            zone = self._zones[zone.lower()]
            if zone[0] not in "+-":
                return _local(moment, ZoneInfo(zone))
        if zone is not None and "/" in zone:
            return _local(moment, ZoneInfo(zone)) if zone in available_timezones() else None
        if zone is not None:
            offset = _offset(zone)
            return None if offset is None else moment - offset * _SECOND
        return moment if self._zone is None else _local(moment, self._zone)


def _local(since: int, zone: ZoneInfo) -> int:
    """Of an hour that the clock shows twice the first; one that it skips is moved on (both are fold=0)."""
    if since < _REACHED:
        return since  # so far back no zone had a clock, and Python has no dates
    moment = _EPOCH_MOMENT + timedelta(microseconds=since)
    offset = moment.replace(tzinfo=zone, fold=0).utcoffset() or timedelta()
    return (moment - _EPOCH_MOMENT) // _MICROSECOND - offset // _MICROSECOND


def duration(text: str, unit: str) -> int | None:
    """Microseconds of a number; eighteen digits behind its point count."""
    found = re.fullmatch(r"([+-]?)([0-9]{1,18})(?:\.([0-9]{0,36}))?", text)
    if found is None:
        return None
    sign, whole, fraction = found.groups(default="")
    parts = int(whole + fraction[:18].ljust(18, "0"))
    micros = parts * _UNITS[unit] // 10 ** (18 + 3)
    if int(whole) * _UNITS[unit] > 10**20:  # nanoseconds: no duration is as long
        return None
    return -micros if sign == "-" else micros


@lru_cache(maxsize=4096)
def _days(text: str) -> int | None:
    try:
        return ordinal(int(text[:4]), int(text[5:7]), int(text[8:])) - _EPOCH_DAY
    except ValueError:
        return None


def _seconds(hour: str, minute: str, second: str, most_hours: int) -> int | None:
    hours, minutes, seconds = int(hour), int(minute), int(second)
    if hours > most_hours or minutes > 59 or seconds > 59:
        return None
    return hours * 3600 + minutes * 60 + seconds


def _offset(zone: str) -> int | None:
    """Seconds ahead of UTC."""
    if zone[0] not in "+-":
        return 0 if zone.lower() in ("z", "utc", "gmt") else None
    digits = zone[1:].replace(":", "").ljust(6, "0")
    seconds = _seconds(digits[:2], digits[2:4], digits[4:], most_hours=18)
    if seconds is None or seconds > _WIDEST_OFFSET:
        return None
    return -seconds if zone[0] == "-" else seconds


def _epoch(text: str) -> int | None:
    found = _EPOCH.fullmatch(text)
    if found is None:
        return None
    whole, fraction, nanoseconds = found.groups()
    if nanoseconds is not None:
        return int(nanoseconds) // 1000
    # The digits go on behind the point: sixteen of them are microseconds, whichever unit the number has.
    return int((whole + (fraction or ""))[:16].ljust(16, "0"))
