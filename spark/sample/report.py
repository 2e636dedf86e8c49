"""What `clickstream check-source` says: the outcome of a sample, for people.

It counts and words. Pure. What could be done about rejects is in `hints`, the rows themselves are in `side_by_side`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clickstream_assets.file_names import ledger_path
from clickstream_assets.text import printable
from spark.cleaning.prices import INVALID
from spark.mapping.encodings import UTF_8
from spark.mapping.names import rivals
from spark.mapping.source_mapping import SourceMapping
from spark.mapping.sources import Column
from spark.reading.header import FIELDS, REQUIRED, Layout
from spark.sample.guesses import likely
from spark.sample.hints import GUIDE, hint, missing_field, price_hints, unknown_actions
from spark.sample.profile import Profile, profiles
from spark.sample.sampling import Looked, Sample
from spark.sample.suspicions import suspicions
from spark.sample.wording import described

SHOWN = 5  # files of a kind

Row = Mapping[str, Any]  # of the cleaned sample


def report(
    samples: Sequence[Sample], files: int, mapping: SourceMapping, ignored: Sequence[bytes] = ()
) -> tuple[list[str], bool]:
    """The lines to print, and whether all that was looked at would become events.

    `files` is the number of files in the directory without those that are `ignored` by their names.
    """
    rows = sum(_rows(sample) for sample in samples)
    all_files = "1 file" if files == 1 else f"{files:,} files"
    lines = [f"{all_files}, {len(samples):,} looked at, {rows:,} rows in all."]
    if ignored:
        lines.append(f"{len(ignored):,} more are not read, by their names: {_few(sorted(ignored))}.")
    for layout, alike in by_layout(samples).items():
        lines += ["", f"{_few([sample.path for sample in alike])}:"]
        if alike[0].layout is None:
            lines.append(f"  not read at all: {alike[0].detail} ({alike[0].reason})")
            if alike[0].reason == "no_header":
                lines.append(
                    f"  → lines before the header: [format] skip_lines or comment; none: header: {GUIDE}"
                )
        looked = [sample.looked for sample in alike if sample.looked is not None]
        if looked:
            lines += [f"  {line}" for line in _columns(layout, looked[0], mapping)]
        lines += [f"  {line}" for line in _outcome(alike, mapping)]
    unread = [sample for sample in samples if sample.layout is None and sample.looked is None]
    if unread:
        lines += ["", f"Not read at all: {len(unread):,} of the files looked at."]
        lines += [
            f"  {ledger_path(sample.path)}: {sample.detail} ({sample.reason})" for sample in unread[:SHOWN]
        ]
    is_good = all(sample.layout is not None and not _rejects(sample) for sample in samples)
    if not is_good:
        lines += [
            "",
            f"To write a first mapping: clickstream check-source … --propose mapping.toml ({GUIDE})",
        ]
    return lines, is_good


def by_layout(samples: Iterable[Sample]) -> dict[Layout, list[Sample]]:
    """The samples whose columns are known, by them."""
    found: dict[Layout, list[Sample]] = defaultdict(list)
    for sample in samples:
        layout = sample.layout if sample.looked is None else sample.looked.layout
        if layout is not None:
            found[layout].append(sample)
    return found


def _rows(sample: Sample) -> int:
    return 0 if sample.looked is None else len(sample.looked.line_numbers)


def _rejects(sample: Sample) -> int:
    return 0 if sample.cleaned is None else len(sample.cleaned.rejects)


def _few(paths: Sequence[bytes]) -> str:
    shown = ", ".join(ledger_path(path) for path in paths[:SHOWN])
    return shown if len(paths) <= SHOWN else f"{shown} and {len(paths) - SHOWN:,} more"


def _columns(layout: Layout, looked: Looked, mapping: SourceMapping) -> Iterator[str]:
    names = {"\t": "tab", " ": "blank"}
    delimiter = names.get(layout.delimiter, printable(layout.delimiter))
    header = "; no header" if mapping.header is not None else ""
    encoding = f"; {layout.encoding}" if layout.encoding != UTF_8 else ""
    form = {
        "csv": f"delimiter {delimiter}{header}",
        "json": "JSON lines",
        "json_values": "JSON, not by lines",
        "parquet": "Parquet",
    }[layout.format]
    yield f"columns ({len(layout.columns)}, {form}{encoding})"
    plan = looked.plan
    unnamed = {
        field: at
        for field, at in plan.positions_of_fields.items()
        if field not in (*mapping.columns.values(), *mapping.fields)
    }
    others = rivals(layout.columns, unnamed)
    unread = profiles([name for name, _ in plan.extras], [looked.texts[at] for _, at in plan.extras])
    for field, source in zip(FIELDS, plan.sources, strict=True):
        if field in looked.absent and field in REQUIRED:
            yield f"  {field:<14} MISSING in all objects: {missing_field(field)}{_perhaps(field, unread)}"
        elif field in looked.absent:
            continue
        elif source is not None:
            name = layout.columns[source.at].strip() if isinstance(source, Column) else described(source)
            more = [layout.columns[at].strip() for at in others.get(field, ()) if any(looked.texts[at])]
            doubt = f"   (or {', '.join(more)}? [columns] decides)" if more else ""
            yield f"  {field:<14} {name}{doubt}"
        elif field in plan.missing:
            yield f"  {field:<14} MISSING: {missing_field(field)}{_perhaps(field, unread)}"
        elif field == "event_id":
            yield f"  {field:<14} none: {_identity(plan.identity)}"
        else:
            yield f"  {field:<14} none: stays empty{_perhaps(field, unread)}"
    for name in plan.absent:
        yield f"  {name!r} is named by the mapping, and not there"
    if plan.extras:
        yield f"  {'extra':<14} {', '.join(name for name, _ in plan.extras)}"


def _perhaps(field: str, unread: Sequence[Profile]) -> str:
    """Which column may be meant, of a field that none is known for."""
    found = likely(unread, field)
    if found is None:
        return ""
    within = f", within {found.name}" if found.steps else ""
    return f"   (is it {found.label}{within}?)"


def _identity(columns: Sequence[tuple[str, int]]) -> str:
    names = ", ".join(name for name, _ in columns)
    return f"rows that agree in all values{f' and in {names}' if names else ''} are one event"


def _outcome(samples: Sequence[Sample], mapping: SourceMapping) -> Iterator[str]:
    events: list[Row] = []
    for sample in samples:
        if sample.cleaned is not None:
            events += sample.cleaned.events.to_pylist()
    rows = sum(_rows(sample) for sample in samples)
    rejected = sum(_rejects(sample) for sample in samples)
    if samples[0].layout is not None:
        yield f"rows ({rows:,}): {len(events):,} become events, {rejected:,} are rejected"
    faults = _faults(samples)
    several = sum(len(each) for each in faults.values()) > rejected and samples[0].layout is not None
    if faults:
        yield f"faults{' (a row may have several)' if several else ''}:"
    for reason, found in sorted(faults.items(), key=lambda item: -len(item[1])):
        first = found[0]
        where = f"{first.path}, line {first.line_no}"
        yield f"  {reason:<24} {len(found):>6,}   {where}: {first.value!r}"
        yield from (f"  → {line}" for line in _hints(reason, found, mapping))
    if not events:
        return
    actions = Counter(row["action_type"] for row in events)
    yield "actions: " + ", ".join(f"{name} {number:,}" for name, number in actions.most_common())
    times = [row["event_time"] for row in events]
    yield f"times:   {min(times):%Y-%m-%d %H:%M:%S} to {max(times):%Y-%m-%d %H:%M:%S} UTC"
    yield from _repeats(events)
    looked = [sample.looked for sample in samples if sample.looked is not None]
    yield from (f"→ {line}" for line in suspicions(events, looked))


def _repeats(events: Sequence[Row]) -> Iterator[str]:
    contents: dict[tuple[Any, Any], set[str | None]] = defaultdict(set)
    for row in events:
        contents[row["event_id"], row["event_time"]].add(row["extra"])
    if repeated := len(events) - len(contents):
        yield f"repeats: {repeated:,} rows have the id and time of another one, and count as duplicates"
    if others := sum(len(extras) - 1 for extras in contents.values()):
        apart = f"[events] identity names those that tell rows apart: {GUIDE}"
        yield f"  → {others:,} of them differ in other columns: {apart}"


@dataclass(frozen=True)
class _Found:
    path: str
    line_no: int
    value: str | None  # the reason; of a fault that is in no single value the record


def _faults(samples: Sequence[Sample]) -> dict[str, list[_Found]]:
    """By reason, in the order of the lines. A field that the header lacks is no fault of each row."""
    found: dict[str, list[_Found]] = defaultdict(list)
    for sample in samples:
        looked = sample.looked
        if looked is None:
            continue
        for fault in looked.faults:
            if fault.reason.removeprefix("missing_") in (*looked.plan.missing, *looked.absent):
                continue
            for row, detail in zip(fault.rows, fault.details, strict=True):
                text = detail if detail is not None else _shown(looked.raw[row])
                found[fault.reason].append(_Found(ledger_path(sample.path), looked.line_numbers[row], text))
    return found


def _shown(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace").strip()[:120]


def _hints(reason: str, found: Sequence[_Found], mapping: SourceMapping) -> Iterator[str]:
    if reason == "unknown_action_type":
        yield unknown_actions([one.value or "" for one in found])
    if reason == INVALID:
        prices: dict[str, list[str]] = defaultdict(list)
        for one in found:
            prices[one.path].append(one.value or "")
        yield from price_hints(prices, mapping.price)
    if (line := hint(reason)) is not None:
        yield line
