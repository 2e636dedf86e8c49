"""How times are written: ISO 8601, epochs, and the format that a source mapping names, in strptime's notation.

A format is a regular expression on a text's *shape*, the text with `0` for each digit. Where it matches, the plan says
which characters are the year, the hour and so on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from zoneinfo import available_timezones

from spark.mapping.zones import ZONE_NAME, read_offset

Span = tuple[int, int]  # first character, and the one behind the last

UTC = "UTC"
LONGEST = 80  # characters: no longer text is a time

_FRACTION = r"[.,](?P<fraction>0{1,30})"
_ZONE = (
    r"(?:[Zz]|[Uu][Tt][Cc]|[Gg][Mm][Tt]|(?P<sign>[+-])(?P<zh>00)(?:(?P<zc>00)|:(?P<zm>00)(?::(?P<zs>00))?)?)"
)
_ISO = re.compile(
    r"(?P<Y>0000)-(?P<m>00)-(?P<d>00)[Tt ](?P<H>00):(?P<M>00)"
    rf"(?::(?P<S>00)(?:{_FRACTION})?)?"
    rf"(?:(?P<zone> ?{_ZONE})(?:\[{ZONE_NAME.pattern}\])?| (?P<name>{ZONE_NAME.pattern}))?"
)
_ISO_DAY = re.compile(r"(?P<Y>0000)-(?P<m>00)-(?P<d>00)")
# Seconds, milli-, micro- and nanoseconds since 1970.
_EPOCH = re.compile(rf"(?:(?P<epoch>0{{10}}|0{{13}}|0{{16}})(?:{_FRACTION})?|(?P<nano>0{{19}}))")

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LONG_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
_SHORT_DAYS = "mon|tue|wed|thu|fri|sat|sun"
_LONG_DAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
# strptime's directives: those that a time can be read from without knowing a language.
DIRECTIVES = {
    "Y": r"(?P<Y>0000)",
    "y": r"(?P<y>00)",
    "m": r"(?P<m>00?)",
    "d": r"(?P<d>00?)",
    "H": r"(?P<H>00?)",
    "I": r"(?P<I>00?)",
    "M": r"(?P<M>00?)",
    "S": r"(?P<S>00?)",
    "f": r"(?P<fraction>0{1,30})",
    "b": rf"(?P<b>{'|'.join(_MONTHS)})",
    "B": rf"(?P<b>{_LONG_MONTHS})",
    "a": rf"(?:{_SHORT_DAYS})",
    "A": rf"(?:{_LONG_DAYS})",
    "p": r"(?P<p>am|pm)",
    "z": rf"(?P<zone>{_ZONE})",
    "Z": rf"(?:(?P<zone>utc|gmt|z)|(?P<name>{ZONE_NAME.pattern}))",
    "%": "%",
}
_NUMBERS = {f"%{letter}" for letter in "YymdHIMSf"}
_SHORTHANDS = {"%F": "%Y-%m-%d", "%T": "%H:%M:%S", "%R": "%H:%M", "%D": "%m/%d/%y"}
_NEEDED = ({"%Y", "%y"}, {"%m", "%b", "%B"}, {"%d"}, {"%H", "%I"})


class TimeFormatError(ValueError):
    """A format that no time can be read by. The message says what is wrong with it."""


@dataclass(frozen=True)
class Plan:
    """Where in a text of one shape the parts of a time stand; a number is the part itself."""

    year: Span | None = None
    short_year: bool = False
    month: Span | int | None = None
    day: Span | None = None
    hour: Span | int | None = None
    minute: Span | int | None = None
    second: Span | int | None = None
    fraction: Span | None = None
    afternoon: int | None = None  # 0 or 1 where hours go to twelve
    names_utc: bool = False
    zone: str | None = None  # that the text names
    fixed_offset: int | None = None  # seconds ahead of UTC, of a name that stands for them
    offset_sign: int = 0
    offset: tuple[Span | None, Span | None, Span | None] = (None, None, None)  # hours, minutes, seconds
    epoch: Span | None = None
    literals: tuple[tuple[int, str], ...] = ()  # digits that the format itself has, and where


class TimeFormats:
    """The formats of one source: its own one first, for a format of ten digits is no epoch."""

    def __init__(
        self,
        own: str | None = None,
        zone: str = UTC,
        time_of_day: str | None = None,
        zones: Mapping[str, str] | None = None,
    ) -> None:
        """`own` in strptime's notation; `zone` is that of times that name none; `time_of_day` that of days alone;
        `zones` says what names mean that are none of the time zone database: a name of that, or an offset.

        Raises:
            TimeFormatError: `own` is no such format.
        """
        self.zone = zone
        self._at = None if time_of_day is None else read_time_of_day(time_of_day)
        self._zones = tuple((name.lower(), meaning) for name, meaning in (zones or {}).items())
        known = [compiled(own, may_lack_hour=self._at is not None)] if own is not None else []
        known += [_ISO, _EPOCH]
        self._known = (*known, *([_ISO_DAY] if self._at is not None else []))

    def plans(self, shape: bytes) -> tuple[Plan, ...]:
        """How to read texts of a shape, in the order in which it is tried."""
        return _plans(shape, self._known, self._at, self._zones)


def read_time_of_day(text: str) -> tuple[int, int, int] | None:
    """Hour, minute and second of a text like 12:00 or 23:59:59."""
    found = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?", text, re.ASCII)
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None


def compiled(form: str, *, may_lack_hour: bool = False) -> re.Pattern[str]:
    """A format in strptime's notation as an expression on shapes.

    Raises:
        TimeFormatError: it lacks a part of a time, or has a directive that is unknown here.
    """
    for short, long in _SHORTHANDS.items():
        form = form.replace(short, long)
    pieces = re.findall(r"%.?|[^%]+", form, re.DOTALL)
    directives = [piece for piece in pieces if piece.startswith("%") and piece != "%%"]
    if unknown := [piece for piece in directives if piece[1:] not in DIRECTIVES]:
        raise TimeFormatError(
            f"'{unknown[0]}' is unknown; known are {', '.join('%' + d for d in DIRECTIVES)}"
        )
    if repeated := [piece for piece in directives if directives.count(piece) > 1]:
        raise TimeFormatError(f"'{repeated[0]}' is there twice")
    for alternatives in _NEEDED:
        found = len(alternatives & set(directives))
        if (
            not found
            and alternatives == {"%H", "%I"}
            and may_lack_hour
            and not {"%M", "%S", "%f"} & set(directives)
        ):
            continue
        if found != 1:
            raise TimeFormatError(f"it needs exactly one of {' '.join(sorted(alternatives))}")
    if ("%I" in directives) != ("%p" in directives):
        raise TimeFormatError("%I and %p go together")
    if {"%z", "%Z"} <= set(directives):
        raise TimeFormatError("%z and %Z say the same")
    expression = "".join(
        _directive(pieces, number) if piece.startswith("%") else _literal(piece, number)
        for number, piece in enumerate(pieces)
    )
    return re.compile(expression, re.IGNORECASE)


def _directive(pieces: Sequence[str], number: int) -> str:
    """A number that touches another one has all of its digits: 2026111 could be two days."""
    expression = DIRECTIVES[pieces[number][1:]]
    before, behind = pieces[number - 1] if number else "", "".join(pieces[number + 1 : number + 2])
    touches = before[-2:] in _NUMBERS or before[-1:].isdigit() or behind in _NUMBERS or behind[:1].isdigit()
    return expression.replace("00?", "00") if touches else expression


def _literal(piece: str, number: int) -> str:
    """A shape has no digits but 0: those of the format stand in the names of groups."""
    texts = re.split("([0-9]+)", piece)
    return "".join(
        f"(?P<literal{number}_{at}_{text}>{'0' * len(text)})" if at % 2 else re.escape(text)
        for at, text in enumerate(texts)
    )


@lru_cache(10_000)
def _plans(
    shape: bytes,
    known: tuple[re.Pattern[str], ...],
    at: tuple[int, int, int] | None,
    zones: tuple[tuple[str, str], ...],
) -> tuple[Plan, ...]:
    try:
        text = shape.decode("ascii")
    except UnicodeDecodeError:
        return ()
    found = (expression.fullmatch(text) for expression in known)
    named = ((_of_match(match, at), match.groupdict().get("name")) for match in found if match is not None)
    in_zones = (_with_zone(plan, name, zones) for plan, name in named)
    return tuple(plan for plan in in_zones if plan is not None)


def _with_zone(plan: Plan, name: str | None, zones: tuple[tuple[str, str], ...]) -> Plan | None:
    """The plan in the zone of this name; None where nobody knows it. Names like PST mean what a mapping says alone."""
    if name is None:
        return plan
    meaning = dict(zones).get(name.lower(), name if "/" in name else None)
    if meaning is None:
        return None
    if (offset := read_offset(meaning)) is not None:
        return replace(plan, fixed_offset=offset)
    return replace(plan, zone=meaning) if meaning in available_timezones() else None


def _of_match(found: re.Match[str], at: tuple[int, int, int] | None) -> Plan:
    def span(*names: str) -> Span | None:
        for name in names:
            if name in found.re.groupindex and found[name] is not None:
                return found.span(name)
        return None

    def text(name: str) -> str:
        return (found[name] or "").lower() if name in found.re.groupindex else ""

    month: Span | int | None = span("m")
    if name := text("b"):
        month = _MONTHS.index(name[:3]) + 1
    sign = text("sign")
    epoch = span("epoch", "nano")
    hour: Span | int | None = span("H", "I")
    minute: Span | int | None = span("M")
    second: Span | int | None = span("S")
    if hour is None and epoch is None and at is not None:
        hour, minute, second = at
    return Plan(
        year=span("Y", "y"),
        short_year=span("y") is not None,
        month=month,
        day=span("d"),
        hour=hour,
        minute=minute,
        second=second,
        fraction=span("fraction"),
        afternoon=int(text("p") == "pm") if text("p") else None,
        names_utc=bool(text("zone")) and not sign,
        offset_sign={"+": 1, "-": -1}.get(sign, 0),
        offset=(span("zh"), span("zm", "zc"), span("zs")),
        epoch=epoch,
        literals=tuple(
            (found.start(name) + place, digit)
            for name in found.re.groupindex
            if name.startswith("literal")
            for place, digit in enumerate(name.rpartition("_")[2])
        ),
    )
