"""Times in the pattern of a source mapping, which is in strptime's notation: from a text to its numbers.

Not strptime itself, whose blanks stand for any number of them, and whose fractions end at microseconds.
"""

from __future__ import annotations

import re
from datetime import date
from typing import NamedTuple

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LONG_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_LONG_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ZONE = r"z|utc|gmt|[+-][0-9]{2}(?:[0-9]{2}|:[0-9]{2}(?::[0-9]{2})?)?"
NAME = r"[A-Za-z][A-Za-z_]*(?:/[A-Za-z_+-]+)*"  # of a zone
_DIRECTIVES = {
    "Y": "(?P<Y>[0-9]{4})",
    "y": "(?P<y>[0-9]{2})",
    "f": "(?P<f>[0-9]{1,30})",
    "b": f"(?P<b>{'|'.join(_MONTHS)})",
    "B": f"(?P<B>{'|'.join(_LONG_MONTHS)})",
    "a": f"(?:{'|'.join(name[:3] for name in _LONG_DAYS)})",
    "A": f"(?:{'|'.join(_LONG_DAYS)})",
    "p": "(?P<p>am|pm)",
    "z": f"(?P<z>{ZONE})",
    "Z": f"(?P<Z>{NAME})",
    "%": "%",
    **{letter: f"(?P<{letter}>[0-9]{{1,2}})" for letter in "mdHIMS"},
}
_SHORTHANDS = {"%F": "%Y-%m-%d", "%T": "%H:%M:%S", "%R": "%H:%M", "%D": "%m/%d/%y"}
_FIRST_SHORT_YEAR = 69  # 1969; 68 is 2068
_DAYS_OF_400_YEARS = 146_097


class Written(NamedTuple):
    """What a text says: a day as its ordinal, the time of the day in microseconds, and the zone, if it names one."""

    ordinal: int
    microseconds: int
    zone: str | None


class Pattern:
    """One pattern. A directive that is not known here matches nothing."""

    def __init__(self, pattern: str, time_of_day: str | None = None) -> None:
        for short, long in _SHORTHANDS.items():
            pattern = pattern.replace(short, long)
        pieces = re.findall(r"%.?|[^%]+", pattern, re.DOTALL)
        self._is_day = not {"%H", "%I"} & set(pieces)
        self._at = 0 if time_of_day is None else seconds_of_day(time_of_day)
        self._expression = re.compile(
            "".join(_piece(pieces, at) for at in range(len(pieces))),
            re.IGNORECASE,
        )

    def read(self, text: str) -> Written | None:
        """What `text` says, or None."""
        found = self._expression.fullmatch(text)
        if found is None:
            return None
        given = found.groupdict(default="")
        parts = {name: value.lower() for name, value in given.items()}
        seconds = self._at if self._is_day else _seconds(parts)
        try:
            day = ordinal(_year(parts), _month(parts), int(parts["d"]))
        except (KeyError, ValueError):
            return None
        if seconds is None:
            return None
        fraction = int(parts.get("f", "")[:6].ljust(6, "0"))
        zone = parts.get("z") or given.get("Z") or None
        return Written(day, seconds * 1_000_000 + fraction, zone)


def _piece(pieces: list[str], at: int) -> str:
    piece = pieces[at]
    if not piece.startswith("%"):
        return re.escape(piece)
    found = _DIRECTIVES.get(piece[1:], "(?!)")
    neighbours = [*pieces[max(0, at - 1) : at], "", *pieces[at + 1 : at + 2]]
    before, behind = neighbours[0], neighbours[-1]
    is_tight = _is_number(before[-1:], before) or _is_number(behind[:1], behind)
    return found.replace("{1,2}", "{2}") if is_tight else found  # else nobody knows where it ends


def _is_number(letter: str, piece: str) -> bool:
    return piece[1:] in tuple("YymdHIMSf") if piece.startswith("%") else letter.isdigit()


def seconds_of_day(text: str) -> int:
    """Of a time like 12:00 or 23:59:59."""
    hour, minute, *second = map(int, text.split(":"))
    return hour * 3600 + minute * 60 + sum(second)


def ordinal(year: int, month: int, day: int) -> int:
    """The number of a day, as `date.toordinal` counts them.

    Raises:
        ValueError: the calendar has no such day.
    """
    if year == 0:  # there is one, a leap year; the calendar repeats itself after 400 years
        return date(400, month, day).toordinal() - _DAYS_OF_400_YEARS
    return date(year, month, day).toordinal()


def _year(parts: dict[str, str]) -> int:
    if "Y" in parts:
        return int(parts["Y"])
    short = int(parts["y"])
    return short + (1900 if short >= _FIRST_SHORT_YEAR else 2000)


def _month(parts: dict[str, str]) -> int:
    if "m" in parts:
        return int(parts["m"])
    return 1 + (_MONTHS.index(parts["b"]) if "b" in parts else _LONG_MONTHS.index(parts["B"]))


def _seconds(parts: dict[str, str]) -> int | None:
    """Of the day; None where the clock has no such time."""
    hour, minute, second = (int(parts.get(name) or 0) for name in "HMS")
    if "I" in parts:
        hour = int(parts["I"])
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if parts.get("p") == "pm" else 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    return hour * 3600 + minute * 60 + second
