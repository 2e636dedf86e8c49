"""Columns of a sample, each with its texts and what they look like. Values within JSON are columns here, too.

It tells what a text could be. Which field a column could be is guessed in `guesses`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa

from spark.cleaning.texts import Nothing
from spark.cleaning.time_bounds import EARLIEST_US
from spark.cleaning.times import read_times
from spark.mapping.letters import BLANKS
from spark.mapping.source_mapping import UNMAPPED
from spark.mapping.sources import Step
from spark.mapping.time_formats import TimeFormats

_2100 = 4_102_444_800_000_000  # microseconds
ENOUGH = 0.95  # of the values
MOST = 0.5
DEEPEST = 4  # steps into JSON
MOST_KEYS = 200

# Day and month first are told apart where one of them is over twelve.
TIME_FORMATS = (
    "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M", "%d/%m/%y %H:%M", "%m/%d/%y %H:%M", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p",
    "%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y%m%d%H%M%S", "%Y%m%d %H:%M:%S",
    "%d %b %Y %H:%M:%S", "%d-%b-%Y %H:%M:%S", "%d %B %Y %H:%M", "%b %d, %Y %I:%M:%S %p", "%b %d, %Y %H:%M",
    "%a, %d %b %Y %H:%M:%S %z", "%d/%b/%Y:%H:%M:%S %z", "%Y-%m-%d %H.%M.%S",
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H", "%Y%m%dT%H%M%S%z", "%Y%m%dT%H%M%S", "%Y%m%d%H%M", "%Y%m%d%H",
    "[%d/%b/%Y:%H:%M:%S %z]", "%d-%b-%y %I.%M.%S.%f %p", "%d-%b-%y %H:%M:%S", "%d-%b-%Y %H:%M", "%d %b %Y %H:%M",
    "%B %d, %Y, %I:%M %p", "%B %d, %Y %I:%M %p", "%b %d, %Y %I:%M %p", "%b %d, %Y, %I:%M:%S %p", "%b %d, %Y %H:%M:%S",
    "%d.%m.%Y %H:%M:%S.%f", "%d/%m/%Y %H:%M:%S.%f", "%m/%d/%Y %H:%M:%S.%f", "%d/%m/%Y %I:%M %p", "%d/%m/%Y %I:%M:%S %p",
    "%d.%m.%y %H:%M", "%d.%m.%Y, %H:%M:%S", "%d/%m/%Y, %H:%M:%S", "%m/%d/%Y, %I:%M:%S %p", "%a %b %d %H:%M:%S %z %Y",
    "%a %b %d %H:%M:%S %Y", "%d %B %Y %H:%M:%S",
)  # fmt: skip
DAY_FORMATS = (
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%Y%m%d",
    "%Y/%m/%d",
    "%d-%m-%Y",
    "%d-%b-%Y",
)
_TIME_OF_DAY = re.compile(r"([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?( ?[AaPp][Mm])?")
_NUMBER = re.compile(r"[^\d\s]{0,4}\s?[+-]?[0-9][0-9.,'\u2019 \u00a0\u202f]*\s?[^\d\s]{0,4}")
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")


@dataclass(frozen=True)
class Profile:
    """A column: `steps` lead to a value within its JSON."""

    name: str
    texts: tuple[str, ...]  # trimmed, without those that mean nothing
    rows: int
    steps: tuple[Step, ...] = ()

    @property
    def label(self) -> str:
        """What its name says: of a value in JSON, that of its last step."""
        if items := [step for step in self.steps if isinstance(step, tuple)]:
            return items[-1][1]
        return next((step for step in reversed(self.steps) if isinstance(step, str)), self.name)

    @cached_property
    def counts(self) -> Counter[str]:
        return Counter(self.texts)

    def share(self, is_so: Callable[[str], bool]) -> float:
        """Of the texts."""
        return sum(map(is_so, self.texts)) / len(self.texts) if self.texts else 0.0

    @cached_property
    def is_number(self) -> bool:
        return self.share(lambda text: _NUMBER.fullmatch(text) is not None) >= ENOUGH

    @cached_property
    def is_whole(self) -> bool:
        return self.share(lambda text: _WHOLE.fullmatch(text) is not None) >= ENOUGH

    @cached_property
    def is_time_of_day(self) -> bool:
        return self.share(lambda text: _TIME_OF_DAY.fullmatch(text) is not None) >= ENOUGH

    @cached_property
    def time_formats(self) -> list[str | None]:
        """The formats that most texts are times by; None: ISO 8601 or an epoch, which need none."""
        return self._best({form: TimeFormats(form) for form in (None, *TIME_FORMATS)})

    @cached_property
    def day_formats(self) -> list[str | None]:
        """The same of days alone."""
        if self.time_formats:
            return []
        return self._best({form: TimeFormats(form, time_of_day="12:00") for form in (None, *DAY_FORMATS)})

    def _best(self, formats: Mapping[str | None, TimeFormats]) -> list[str | None]:
        column = pa.array(self.texts, pa.string())
        shares = {form: _share_of_times(column, by) for form, by in formats.items()} if self.texts else {}
        best = max(shares.values(), default=0.0)
        return [form for form, share in shares.items() if share == best] if best >= MOST else []


def _share_of_times(column: pa.StringArray, formats: TimeFormats) -> float:
    """Of texts that are moments of this century: a number of an article may look like a day of another one."""
    times = read_times(column, formats)
    return float((times.valid & (times.microseconds >= EARLIEST_US) & (times.microseconds < _2100)).mean())


def profiles(columns: Sequence[str], texts: Iterable[Sequence[str | None]]) -> list[Profile]:
    """The columns of a file, each with what is in its JSON behind it."""
    found: list[Profile] = []
    nothing = Nothing(UNMAPPED.nothing)
    for name, values in zip(columns, texts, strict=True):
        trimmed = pa.array([None if text is None else text.strip(BLANKS) for text in values], pa.string())
        there = [text for text in nothing.removed(trimmed).to_pylist() if text is not None]
        one = Profile(name.strip(), tuple(there), len(values))
        found.append(one)
        if one.share(lambda text: text.startswith(("{", "["))) >= ENOUGH:
            found += _within_json(one)
    return found


def _within_json(column: Profile) -> list[Profile]:
    found: dict[tuple[Step, ...], list[str]] = {}
    for text in column.texts:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            continue
        for steps, leaf in _leaves(value, ()):
            if len(found) < MOST_KEYS or steps in found:
                found.setdefault(steps, []).append(leaf)
    return [Profile(column.name, tuple(texts), column.rows, steps) for steps, texts in found.items()]


def _leaves(value: Any, steps: tuple[Step, ...]) -> Iterable[tuple[tuple[Step, ...], str]]:
    if isinstance(value, dict) and len(steps) < DEEPEST:
        for key, item in value.items():
            yield from _leaves(item, (*steps, key))
    elif isinstance(value, list) and value and all(_is_named(item) for item in value):
        for item in value:  # named parameters, as Google Analytics has them
            yield from _leaves(item["value"], (*steps, ("key", item["key"]), "value"))
    elif isinstance(value, list) and value and len(steps) < DEEPEST:
        yield from _leaves(value[0], (*steps, 0))
    elif (
        steps and isinstance(value, str | int | float) and not isinstance(value, bool) and str(value).strip()
    ):
        yield steps, str(value).strip()


def _is_named(item: Any) -> bool:
    return isinstance(item, dict) and item.keys() == {"key", "value"} and isinstance(item["key"], str)
