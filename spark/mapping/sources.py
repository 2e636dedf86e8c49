"""The ways in which a field gets its text. A closed language: nothing here can be given a program to run.

Each is a value, hashable, and knows nothing of how it is evaluated (`spark/cleaning/field_texts`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

Comparison = Literal["is", "starts_with", "below", "above", "missing"]
# Into JSON: a key of an object, the number of an item, or (key, text): the first item whose `key` is that text.
Step = str | int | tuple[str, str]
UNITS = ("d", "h", "min", "s", "ms", "us", "100ns", "ns")


@dataclass(frozen=True)
class Column:
    """The text of a column; `at` is its position in a file, once that is known."""

    name: str
    at: int = -1


@dataclass(frozen=True)
class JsonValue:
    """A value within the JSON text of a column; its steps lead from the outside in."""

    column: Column
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Constant:
    """The same text for every row."""

    text: str


@dataclass(frozen=True)
class PathPart:
    """What the path of the file says: the value of a folder `name=value`, or of a name in the pattern."""

    name: str


@dataclass(frozen=True)
class Join:
    """Texts one after the other; none where one of them is missing."""

    parts: tuple[Source, ...]
    separator: str


@dataclass(frozen=True)
class First:
    """The first of several that is not missing."""

    parts: tuple[Source, ...]


@dataclass(frozen=True)
class Term:
    """Of a sum: a number of `unit`, or a time where there is none."""

    of: Source
    unit: str | None


@dataclass(frozen=True)
class Sum:
    """A moment: times and durations added up; none where one of them is missing."""

    terms: tuple[Term, ...]


@dataclass(frozen=True)
class Lookup:
    """The text that stands for another one (in lower case); one that is not listed stays as it is."""

    of: Source
    words: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Excerpt:
    """A part of a text, found in this order; none where the text has it not."""

    of: Source
    split: str | None = None  # of the parts between these …
    part: int = 0  # … the one of this number, from 1 on, or from the end: -1 is the last
    query: str | None = None  # the parameter of a URL, decoded
    after: str | None = None  # what stands behind this text
    before: tuple[str, ...] = ()  # and in front of the first of these; all where none of them is there
    is_percent: bool = False  # %20 is a blank


@dataclass(frozen=True)
class Case:
    """`then`, where the comparison of `of` with one of `values` holds."""

    of: Source
    comparison: Comparison
    values: tuple[str, ...]  # in lower case for `is`
    then: str


@dataclass(frozen=True)
class Cases:
    """The first case that holds, else the text of `otherwise`."""

    cases: tuple[Case, ...]
    otherwise: Source


Source = Column | JsonValue | Constant | PathPart | Join | First | Sum | Excerpt | Lookup | Cases


def parts_of(source: Source) -> Iterator[Source]:
    """A source and all that it is made of."""
    yield source
    match source:
        case JsonValue(column, _):
            yield column
        case Join(parts, _) | First(parts):
            for part in parts:
                yield from parts_of(part)
        case Sum(terms):
            for term in terms:
                yield from parts_of(term.of)
        case Excerpt(of) | Lookup(of, _):
            yield from parts_of(of)
        case Cases(cases, otherwise):
            for case in cases:
                yield from parts_of(case.of)
            yield from parts_of(otherwise)


def whole_columns(source: Source) -> Iterator[Column]:
    """The columns whose whole text a field takes, so that nothing of them is left to keep.

    Others are looked at (cases), are a reserve (all but the first of several), or hold more than is taken (JSON, parts
    of texts).
    """
    match source:
        case Column():
            yield source
        case Join(parts, _):
            for part in parts:
                yield from whole_columns(part)
        case First(parts):
            yield from whole_columns(parts[0])
        case Sum(terms):
            for term in terms:
                yield from whole_columns(term.of)
        case Lookup(of, _) | Cases(_, of):
            yield from whole_columns(of)


class AbsentColumn(KeyError):
    """A file has no column of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def placed(source: Source, position: Callable[[str], int | None]) -> Source:
    """The same with the positions of its columns. Of several, those that the file has not are left out.

    Raises:
        AbsentColumn: it has none of them.
    """

    def at(part: Source) -> Source:
        return placed(part, position)

    match source:
        case Column(name, _):
            if (found := position(name)) is None:
                raise AbsentColumn(name)
            return Column(name, found)
        case JsonValue(column, steps):
            found_column = at(column)
            assert isinstance(found_column, Column)  # noqa: S101 - a column's place is a column
            return JsonValue(found_column, steps)
        case Join(parts, separator):
            return Join(tuple(map(at, parts)), separator)
        case First(parts):
            return First(_those_there(parts, position))
        case Sum(terms):
            return Sum(tuple(Term(at(term.of), term.unit) for term in terms))
        case Excerpt(of):
            return replace(source, of=at(of))
        case Lookup(of, words):
            return Lookup(at(of), words)
        case Cases(cases, otherwise):
            return Cases(tuple(replace(case, of=at(case.of)) for case in cases), at(otherwise))
        case _:
            return source


def _those_there(parts: tuple[Source, ...], position: Callable[[str], int | None]) -> tuple[Source, ...]:
    found: list[Source] = []
    absent: AbsentColumn | None = None
    for part in parts:
        try:
            found.append(placed(part, position))
        except AbsentColumn as error:
            absent = absent or error
    if absent is not None and not found:
        raise absent
    return tuple(found)
