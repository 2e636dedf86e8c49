"""The data generator: event files of an imaginary shop, with the exact truth about them.

The public face of `clickstream_assets.generator`: what `clickstream generate`, Dagster's asset `event_files`, the tests
and the benchmarks call.

    truth = generate_files(GenerationSpec(events=10_000, files=10, duplicates=0.05), Path("events"))
    print(truth.unique_events)
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from clickstream_assets.errors import SettingsError
from clickstream_assets.generator.catalogue import make_catalogue
from clickstream_assets.generator.delivery import BLOCK, Delivery
from clickstream_assets.generator.faults import DUPLICATE, LATE, MALFORMED, ON_TIME, FaultPlan
from clickstream_assets.generator.live import Clock, Pace
from clickstream_assets.generator.people import make_people
from clickstream_assets.generator.rows import RowWriter, text_of
from clickstream_assets.generator.spec import GenerationSpec, LiveSpec
from clickstream_assets.generator.timeline import Timeline, endless, history
from clickstream_assets.generator.truth import FileTruth, Truth
from clickstream_assets.generator.writer import event_file, live_names, remove_leftovers, seeded_names

__all__ = [
    "Clock",
    "FileTruth",
    "GenerationSpec",
    "LiveSpec",
    "SettingsError",
    "Truth",
    "generate_files",
    "generate_live",
]

Progress = Callable[[int], None]  # called with the rows written so far
Block = tuple[pa.BinaryArray, np.ndarray]  # lines, and what each is

LIVE_POPULATION = 50_000  # people
EVENTS_A_PERSON = 12
SMALLEST_POPULATION, LARGEST_POPULATION = 1_000, 1_000_000


def generate_files(spec: GenerationSpec, out: Path, progress: Progress | None = None) -> Truth:
    """Write a finished history into `out` (created if missing); every file appears whole, by a rename.

    Raises:
        SettingsError: the specification cannot be met.
        OSError: `out` cannot be written to; files that had appeared by then stay.
    """
    spec.check()
    start, until = (int(moment.timestamp() * 1000) for moment in spec.period())
    if until <= start:
        raise SettingsError("the period is shorter than a millisecond: give an earlier start.")
    out.mkdir(parents=True, exist_ok=True)
    remove_leftovers(out)
    names = live_names() if spec.seed is None else seeded_names(_fingerprint(spec), out)

    rng = np.random.default_rng(spec.seed)
    plan = FaultPlan.of(spec)
    catalogue = make_catalogue()
    population = min(max(spec.events // EVENTS_A_PERSON, SMALLEST_POPULATION), LARGEST_POPULATION)
    people = make_people(population)
    timeline = Timeline(history(rng, catalogue, people, spec.good_rows - spec.late_rows, start, until))
    writer = RowWriter(catalogue, people, spec.ids)
    delivery = Delivery(rng, catalogue, people, timeline, plan, writer, start)

    truth = Truth(seed=spec.seed)
    for sizes in _files_at_once(spec.events, spec.files):
        for blocks in _file_by_file(delivery, sizes):
            truth.add(_write_file(out, next(names), blocks, _shifted(progress, truth.rows)))
    truth.malformed_kinds = delivery.malformed_kinds
    return truth


def generate_live(
    spec: LiveSpec,
    out: Path,
    clock: Clock | None = None,
    progress: Progress | None = None,
    *,
    keep_details: bool = False,
) -> Truth:
    """Run the shop: a file every interval, until all events are written or `clock.stop()` was called.

    Event times are the present. A stop ends it between two files; nothing unfinished stays.

    Args:
        keep_details: keep an entry for every file in the truth (memory grows with each).

    Raises:
        SettingsError: the specification cannot be met.
        OSError: `out` cannot be written to.
    """
    spec.check()
    clock = clock or Clock()
    out.mkdir(parents=True, exist_ok=True)
    remove_leftovers(out)
    names = live_names()

    rng = np.random.default_rng(spec.seed)
    catalogue, people = make_catalogue(), make_people(LIVE_POPULATION)
    timeline = Timeline(endless(rng, catalogue, people, spec.rate))
    writer = RowWriter(catalogue, people, spec.ids)
    plan = FaultPlan.of(spec.whole())
    delivery = Delivery(rng, catalogue, people, timeline, plan, writer, clock.now())

    truth = Truth(seed=spec.seed)
    pace = Pace(spec.rate, spec.interval, spec.events, started=clock.elapsed())
    reached = clock.now()
    due = pace.next_due(clock.elapsed())
    while not pace.finished and not clock.wait_until(due):
        now = clock.now()
        begin = min(reached, now - 1)  # the clock may have been set back
        count = pace.take(due)
        if count:
            blocks = _blocks(delivery, count, (begin, now))
            file = _write_file(out, next(names), blocks, _shifted(progress, truth.rows))
            truth.add(file, keep_detail=keep_details)
            reached = now
        due = pace.next_due(max(due, clock.elapsed()))
    truth.malformed_kinds = delivery.malformed_kinds
    return truth


def _files_at_once(events: int, files: int) -> Iterator[list[int]]:
    """The rows of each file, in order; small files are grouped into one block of rows."""
    group: list[int] = []
    for number in range(files):
        size = events * (number + 1) // files - events * number // files
        if group and sum(group) + size > BLOCK:
            yield group
            group = []
        group.append(size)
    yield group


def _file_by_file(delivery: Delivery, sizes: list[int]) -> Iterator[Iterator[Block]]:
    """The blocks of each file of such a group: many of a large file, one for several small ones."""
    if len(sizes) == 1:
        yield _blocks(delivery, sizes[0])
        return
    starts = np.cumsum(sizes) - sizes
    lines, labels = delivery.rows(sum(sizes), starts)
    for begin, size in zip(starts.tolist(), sizes, strict=True):
        yield iter([(lines[begin : begin + size], labels[begin : begin + size])])


def _blocks(delivery: Delivery, count: int, window: tuple[int, int] | None = None) -> Iterator[Block]:
    """The next `count` rows as one file, with the times from after the first to the last of `window`."""
    for begin in range(0, count, BLOCK):
        size = min(BLOCK, count - begin)
        part = None
        if window is not None:
            first, last = window
            part = (
                first + (last - first) * begin // count,
                first + (last - first) * (begin + size) // count,
            )
        yield delivery.rows(size, np.arange(1 if begin == 0 else 0), part)


def _write_file(out: Path, name: str, blocks: Iterator[Block], progress: Progress) -> FileTruth:
    counts = np.zeros(4, np.int64)
    with event_file(out, name) as file:
        for lines, labels in blocks:
            file.write(text_of(lines))
            counts += np.bincount(labels, minlength=4)
            progress(int(counts.sum()))
        size = file.tell()
    return FileTruth(
        name=name,
        rows=int(counts.sum()),
        unique_events=int(counts[ON_TIME] + counts[LATE]),
        duplicates=int(counts[DUPLICATE]),
        malformed=int(counts[MALFORMED]),
        late=int(counts[LATE]),
        bytes=size,
    )


def _shifted(progress: Progress | None, before: int) -> Progress:
    return (lambda rows: progress(before + rows)) if progress else (lambda rows: None)


def _fingerprint(spec: GenerationSpec) -> str:
    """The same for specifications that give the same bytes."""
    values = (spec.events, spec.files, spec.duplicates, spec.malformed, spec.late, spec.seed, spec.ids)
    return hashlib.blake2s(repr((values, spec.period())).encode(), digest_size=5).hexdigest()
