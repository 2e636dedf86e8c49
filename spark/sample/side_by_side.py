"""Rows before and after, side by side on a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from clickstream_assets.text import printable
from spark.sample.comparison import Compared

WIDTH = 56  # of the left side
SHOWN = 60  # characters of a value


def side_by_side(rows: Iterable[Compared]) -> Iterator[str]:
    """The lines for these rows."""
    for row in rows:
        yield ""
        yield f"{printable(row.path)}, line {row.line_no:,}: {_outcome(row)}"
        for pair in row.pairs:
            left = [f"{_cut(name)}: {_cut(text)}" if name else _cut(text) for name, text in pair.before] or [
                ""
            ]
            right = (
                f"{pair.name:<12} {_cut(pair.after)}"
                if pair.after
                else f"{pair.name:<12} —"
                if pair.name
                else ""
            )
            yield from _lines(left, right)


def _lines(left: Sequence[str], right: str) -> Iterator[str]:
    for number, text in enumerate(left):
        padding = " " * max(0, WIDTH - _width(text))
        yield f"  {text}{padding} │ {right if number == len(left) - 1 else ''}".rstrip()


def _outcome(row: Compared) -> str:
    if not row.faults:
        return "an event"
    reasons = ", ".join(
        reason if value is None else f"{reason} ({_cut(value)})" for reason, value in row.faults
    )
    return f"rejected: {reasons}"


def _cut(text: str) -> str:
    shown = printable(text)
    return shown if len(shown) <= SHOWN else f"{shown[: SHOWN - 1]}…"


def _width(text: str) -> int:
    """Columns of a terminal: those of East Asia are two wide."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
