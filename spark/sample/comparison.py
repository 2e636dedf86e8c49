"""Rows of a sample before and after: what a file has, and what would be stored of it.

Which rows are shown, and which columns belong to which field. How they look is in `side_by_side` and `page`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clickstream_assets.file_names import ledger_path
from spark.mapping.sources import Column, parts_of
from spark.reading.header import FIELDS
from spark.sample.sampling import Looked, Sample

ROWS = 10  # shown of each header …
FAULTY = 4  # … among them at most so many that are rejected, where there are others


@dataclass(frozen=True)
class Pair:
    """On the left the columns of the file with their texts, on the right what becomes of them; either may be empty."""

    before: tuple[tuple[str, str], ...]
    name: str = ""
    after: str = ""


@dataclass(frozen=True)
class Compared:
    """One row. `faults`: why it would be rejected, each with its value; else it becomes an event."""

    path: str
    line_no: int
    pairs: tuple[Pair, ...]
    faults: tuple[tuple[str, str | None], ...]


def compared_rows(samples: Sequence[Sample], rows: int = ROWS) -> list[Compared]:
    """Rows of files with one header: events, and one of each kind of fault, in the order of files and lines."""
    events: list[Compared] = []
    rejected: dict[str, list[Compared]] = {}
    for sample in samples:
        if sample.looked is None:
            continue
        stored = _stored(sample)
        faults = _faults(sample.looked)
        for row, line_no in enumerate(sample.looked.line_numbers):
            one = _compared(sample, sample.looked, row, stored.get(line_no), faults.get(row, []))
            if one.faults:
                rejected.setdefault(one.faults[0][0], []).append(one)
            elif len(events) < rows:
                events.append(one)
    chosen = _first_of_each(rejected.values(), max(FAULTY, rows - len(events)))
    chosen = [*events[: rows - len(chosen)], *chosen]
    order = {ledger_path(sample.path): number for number, sample in enumerate(samples)}
    return sorted(chosen, key=lambda one: (order[one.path], one.line_no))


def _first_of_each(kinds: Iterable[list[Compared]], most: int) -> list[Compared]:
    """The first of each kind, then the second of each, and so on."""
    ranked = [
        (rank, number, one) for number, kind in enumerate(kinds) for rank, one in enumerate(kind[:most])
    ]
    return [one for _, _, one in sorted(ranked, key=lambda found: found[:2])[:most]]


def _faults(looked: Looked) -> dict[int, list[tuple[str, str | None]]]:
    found: dict[int, list[tuple[str, str | None]]] = {}
    for fault in looked.faults:
        for row, detail in zip(fault.rows, fault.details, strict=True):
            found.setdefault(row, []).append((fault.reason, detail))
    return found


def _stored(sample: Sample) -> dict[int, Mapping[str, Any]]:
    if sample.cleaned is None:
        return {}
    return {row["line_no"]: row for row in sample.cleaned.events.to_pylist()}


def _compared(
    sample: Sample,
    looked: Looked,
    row: int,
    event: Mapping[str, Any] | None,
    faults: list[tuple[str, str | None]],
) -> Compared:
    columns = looked.layout.columns
    texts = {at: looked.texts[at][row] or "" for at in looked.texts}
    if not any(texts.values()):
        before = (("", looked.raw[row].decode("utf-8", "backslashreplace").strip()),)
        return Compared(ledger_path(sample.path), looked.line_numbers[row], (Pair(before),), tuple(faults))
    pairs: list[Pair] = []
    shown: set[int] = set()
    for field, source in zip(FIELDS, looked.plan.sources, strict=True):
        used = {part.at for part in parts_of(source) if isinstance(part, Column)} if source else set()
        left = tuple((columns[at].strip(), texts[at]) for at in sorted(used - shown))
        shown |= used
        value = None if event is None else event[field]
        if left or value is not None:
            pairs.append(Pair(left, field, "" if value is None else _shown(field, value)))
    for name, at in looked.plan.extras:
        if at not in shown:
            after = f"{name}: {texts[at]}" if texts[at] and event is not None else ""
            pairs.append(Pair(((columns[at].strip(), texts[at]),), "extra", after))
    return Compared(ledger_path(sample.path), looked.line_numbers[row], tuple(pairs), tuple(faults))


def _shown(field: str, value: Any) -> str:
    if field == "event_id":
        text = value.hex()
        return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
    return f"{value:%Y-%m-%d %H:%M:%S.%f} UTC" if field == "event_time" else str(value)
