"""All faults of a sample, not only the first of each row: so that a mapping can be mended for all of them at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from spark.cleaning.rules import RULES, Facts, Rule

_OF_TIMES = ("event_time_out_of_range", "too_old")  # which say nothing of a time that cannot be read
_OF_VALUES = ("unknown_action_type", "invalid_event_time")  # which say nothing of a value that is missing


@dataclass(frozen=True)
class Fault:
    """A fault, and each of its rows with the value that is the reason."""

    reason: str
    rows: list[int]  # numbers of the sample's rows
    details: list[str | None]


def all_faults(facts: Facts) -> list[Fault]:
    """The faults of the rows, in the order of the rules. A row that cannot be split has no other than that."""
    found = []
    is_whole = (facts.flags == 0) & facts.split_ok
    (header,) = (rule for rule in RULES if rule.reason == "repeated_header")
    no_header = ~header.holds(facts)
    for rule in RULES:
        holds = rule.holds(facts)
        if rule.reason == "field_count":
            holds &= facts.flags == 0
        if rule is not header:
            holds &= no_header
        rows = np.flatnonzero(holds & (is_whole | _is_of_bytes(rule)))
        rows = rows[facts.times.valid[rows]] if rule.reason in _OF_TIMES else rows
        if not len(rows):
            continue
        texts = rule.detail(facts)
        details = [None] * len(rows) if texts is None else texts.take(pa.array(rows)).to_pylist()
        pairs: list[tuple[int, str | None]] = [
            (int(row), detail) for row, detail in zip(rows, details, strict=True)
        ]
        if rule.reason in _OF_VALUES:
            pairs = [(row, detail) for row, detail in pairs if detail is not None]
        if pairs:
            found.append(Fault(rule.reason, [row for row, _ in pairs], [detail for _, detail in pairs]))
    return found


_FIRST_OF_VALUES = next(number for number, rule in enumerate(RULES) if rule.reason == "repeated_header")


def _is_of_bytes(rule: Rule) -> bool:
    return RULES.index(rule) < _FIRST_OF_VALUES
