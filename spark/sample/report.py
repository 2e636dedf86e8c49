"""What `clickstream check-source` says: the outcome of a sample, for people.

Belongs here: counting and wording. Pure. Does not belong here: reading files (`sampling`), cleaning (`cleaning`), and
what could be done about rejects (`hints`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from clickstream_assets.file_names import ledger_path
from spark.cleaning.prices import INVALID
from spark.mapping.source_mapping import SourceMapping
from spark.reading.header import FIELDS, Layout
from spark.sample.hints import GUIDE, hint, price_hints, unknown_actions
from spark.sample.sampling import Sample

SHOWN = 5  # files of a kind
UNNAMED = ("no_header", "missing_columns")  # what a mapping of columns may mend

Row = Mapping[str, Any]  # of the cleaned sample


def report(
    samples: Sequence[Sample], files: int, mapping: SourceMapping, ignored: Sequence[bytes] = ()
) -> tuple[list[str], bool]:
    """The lines to print, and whether all that was looked at would become events.

    `files` is the number of files in the directory without those that are `ignored` by their names.
    """
    rows: list[Row] = [
        {"reason": None, **row}
        for sample in samples
        if sample.cleaned is not None
        for row in (*sample.cleaned.events.to_pylist(), *sample.cleaned.rejects.to_pylist())
    ]
    lines = [f"{files:,} files, {len(samples):,} of them looked at, {len(rows):,} rows in all."]
    if ignored:
        lines.append(f"{len(ignored):,} more are not read, by their names: {_few(sorted(ignored))}.")
    by_layout: dict[Layout, list[int]] = defaultdict(list)
    for number, sample in enumerate(samples):
        if sample.layout is not None:
            by_layout[sample.layout].append(number)
    by_file: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        by_file[row["file_id"]].append(row)
    for layout, numbers in by_layout.items():
        chosen = [row for number in numbers for row in by_file[number]]
        lines += ["", f"{_few([samples[number].path for number in numbers])}:"]
        lines += [f"  {line}" for line in _columns(layout, mapping)]
        lines += [f"  {line}" for line in _outcome(chosen, samples, mapping)]
    refused = [sample for sample in samples if sample.layout is None]
    if refused:
        lines += ["", f"Not read at all: {len(refused):,} of the files looked at."]
        lines += [
            f"  {ledger_path(sample.path)}: {sample.detail} ({sample.reason})" for sample in refused[:SHOWN]
        ]
        if any(sample.reason in UNNAMED for sample in refused):
            lines.append(f"  → [columns] of a source mapping says which column is which: {GUIDE}")
    return lines, not refused and all(row["reason"] is None for row in rows)


def _few(paths: Sequence[bytes]) -> str:
    shown = ", ".join(ledger_path(path) for path in paths[:SHOWN])
    return shown if len(paths) <= SHOWN else f"{shown} and {len(paths) - SHOWN:,} more"


def _columns(layout: Layout, mapping: SourceMapping) -> Iterator[str]:
    delimiter = {"\t": "tab"}.get(layout.delimiter, layout.delimiter)
    yield f"columns ({len(layout.columns)}, delimiter {delimiter})"
    positions = layout.field_positions(mapping.columns)
    for field in FIELDS:
        if field in positions:
            yield f"  {field:<14} {layout.columns[positions[field]].strip()}"
        elif field == "event_id":
            yield f"  {field:<14} none: rows that agree in all values are one event"
        else:
            yield f"  {field:<14} none: stays empty"
    extra = list(layout.extra_columns(mapping.columns))
    if extra:
        yield f"  {'extra':<14} {', '.join(extra)}"


def _outcome(rows: Sequence[Row], samples: Sequence[Sample], mapping: SourceMapping) -> Iterator[str]:
    events = [row for row in rows if row["reason"] is None]
    rejects = [row for row in rows if row["reason"] is not None]
    yield f"rows ({len(rows):,}): {len(events):,} become events, {len(rejects):,} are rejected"
    first = {row["reason"]: row for row in reversed(rejects)}
    for reason, number in Counter(row["reason"] for row in rejects).most_common():
        row = first[reason]
        value = row["detail"] or bytes(row["raw"]).decode("utf-8", "backslashreplace").strip()[:120]
        where = f"{ledger_path(samples[row['file_id']].path)}, line {row['line_no']}"
        yield f"  {reason:<24} {number:>6,}   {where}: {value!r}"
        yield from (f"  → {line}" for line in _hints(reason, rejects, samples, mapping))
    if not events:
        return
    actions = Counter(row["action_type"] for row in events)
    yield "actions: " + ", ".join(f"{name} {number:,}" for name, number in actions.most_common())
    times = [row["event_time"] for row in events]
    yield f"times:   {min(times):%Y-%m-%d %H:%M:%S} to {max(times):%Y-%m-%d %H:%M:%S} UTC"
    repeated = len(events) - len({(row["event_id"], row["event_time"]) for row in events})
    if repeated:
        yield f"repeats: {repeated:,} rows have the id and time of another one, and count as duplicates"


def _hints(
    reason: str, rejects: Sequence[Row], samples: Sequence[Sample], mapping: SourceMapping
) -> Iterator[str]:
    chosen = [row for row in rejects if row["reason"] == reason]
    if reason == "unknown_action_type":
        yield unknown_actions([row["detail"] for row in chosen])
    if reason == INVALID:
        prices: dict[str, list[str]] = defaultdict(list)
        for row in chosen:
            prices[ledger_path(samples[row["file_id"]].path)].append(row["detail"])
        yield from price_hints(prices, mapping.price)
    if (line := hint(reason)) is not None:
        yield line
