"""What goes wrong on the way: which rows are repeated, damaged or late, and what damage looks like.

The counts are exact: over all rows, and as near as whole numbers allow over every stretch of them. Sessions are never
torn: damaged and late rows are views of their own, added to the stream.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from clickstream_assets.generator.spec import GenerationSpec

ON_TIME, LATE, DUPLICATE, MALFORMED = range(4)  # what a row is


@dataclass(frozen=True)
class FaultPlan:
    """How many of `rows` rows are what; further rows repeat the pattern."""

    rows: int
    duplicates: int
    malformed: int
    late: int

    @classmethod
    def of(cls, spec: GenerationSpec) -> FaultPlan:
        return cls(spec.events, spec.duplicate_rows, spec.malformed_rows, spec.late_rows)

    def until(self, row: int) -> np.ndarray:
        """How many of the first `row` rows are on time, late, duplicate, malformed."""
        bad_of_all = self.duplicates + self.malformed
        bad = row * bad_of_all // self.rows
        malformed = bad * self.malformed // max(bad_of_all, 1)
        good = row - bad
        late = good * self.late // max(self.rows - bad_of_all, 1)
        return np.array([good - late, late, bad - malformed, malformed])

    def labels(self, rng: np.random.Generator, begin: int, end: int) -> np.ndarray:
        """What each row from `begin` to before `end` is; the very first one is no duplicate."""
        labels = np.repeat(np.arange(4, dtype=np.int8), self.until(end) - self.until(begin))
        rng.shuffle(labels)
        if begin == 0 and labels[0] == DUPLICATE:
            good = int(np.flatnonzero(labels <= LATE)[0])
            labels[0], labels[good] = labels[good], labels[0]
        return labels


def _field(number: int, *values: bytes) -> Callable[[list[bytes], int], bytes]:
    """Damage that puts one of `values` into a field."""

    def damage(fields: list[bytes], pick: int) -> bytes:
        fields[number] = values[pick % len(values)]
        return b",".join(fields)

    return damage


def _spoil(number: int, mark: bytes) -> Callable[[list[bytes], int], bytes]:
    """Damage that puts `mark` into the middle of a field."""

    def damage(fields: list[bytes], pick: int) -> bytes:
        text = fields[number]
        at = pick % len(text)
        fields[number] = text[:at] + mark + text[at:]
        return b",".join(fields)

    return damage


def _cut_short(fields: list[bytes], pick: int) -> bytes:
    return b",".join(fields[: 2 + pick % 5]) + b"\n"


def _one_too_many(fields: list[bytes], pick: int) -> bytes:
    return b",".join(fields).rstrip(b"\n") + b",%d\n" % (pick % 1000)


# Every kind is certain to be refused by a strict parser, and keeps to its line: no unbalanced quote, no
# newline, no blank line, and nothing about the event id, which may be missing or be any text.
DAMAGE: dict[str, Callable[[list[bytes], int], bytes]] = {
    "no_user": _field(1, b""),
    "no_session": _field(2, b""),
    "no_action": _field(3, b""),
    "no_product": _field(4, b""),
    "no_time": _field(5, b""),
    "unknown_action": _field(3, b"click", b"hover", b"refunded", b"addtocart!", b"0"),
    "not_a_time": _field(5, b"yesterday", b"2025-13-45T25:61:00Z", b"31.12.2024 12:00", b"12:00:00", b"-"),
    "impossible_time": _field(5, b"2199-07-01T12:00:00.000Z", b"1987-06-05T04:03:02.001Z"),
    "not_a_price": _field(6, b"free", b"12.3.4", b"EUR 10", b"0x1F", b"1e400"),
    "negative_price": _field(6, b"-0.01", b"-19.99", b"-1"),
    "too_few_fields": _cut_short,
    "too_many_fields": _one_too_many,
    "invalid_utf8": _spoil(1, b"\xff"),
    "nul_byte": _spoil(4, b"\x00"),
}
KINDS = tuple(DAMAGE)


def damaged(line: bytes, kind: int, pick: int) -> bytes:
    """A good line with damage number `kind` of `KINDS`, in one of its varieties."""
    return DAMAGE[KINDS[kind]](line.split(b",", 7), pick)
