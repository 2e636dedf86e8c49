"""Throughput: the same files loaded in every way, side by side, round after round.

Interleaved, because a machine that others use is faster now and slower then: only ratios within a round mean
something. The first round warms up (JVM, page cache) and is not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmarks.loads.comparison import Comparison, Load, measured
from benchmarks.loads.workloads import Workload
from benchmarks.place import Place, benchmark_place
from benchmarks.variants.variant import Variant

Say = Callable[[str], None]


def measure_throughput(
    workloads: Sequence[Workload],
    rows: int,
    rounds: int,
    *,
    with_dlt: bool,
    say: Say,
    only: Sequence[str] = (),
) -> list[Comparison]:
    """Load `rows` rows of each workload in every way, `rounds` times after a round of warm-up.

    Raises:
        RuntimeError: a way did not store all events: a figure would be worthless.
    """
    chosen = [workload.chosen(only, with_dlt=with_dlt) for workload in workloads]
    needs_jdbc = any(variant.needs_jdbc for variants in chosen for variant in variants)
    with benchmark_place(with_jdbc=needs_jdbc) as place:
        return [
            _compared(place, workload, variants, rows, rounds, say)
            for workload, variants in zip(workloads, chosen, strict=True)
        ]


def _compared(
    place: Place, workload: Workload, variants: Sequence[Variant], rows: int, rounds: int, say: Say
) -> Comparison:
    result = Comparison(workload.about, rows)
    say(f"Writing {rows:,} rows: {workload.about} …")
    place.clear_files()
    events = workload.write(rows, place.settings.events_dir)
    place.ensure_partitions(workload.months)
    for number in range(rounds + 1):
        for variant in variants:
            load = _timed(place, variant, events)
            say(
                f"round {number or 'warm-up'}: {variant.name}: {rows / load.seconds:,.0f} rows/s, "
                f"{load.cpu_seconds:.1f} s of CPU"
            )
            if number:
                result.add(variant.name, variant.promise, load)
    return result


def _timed(place: Place, variant: Variant, events: int) -> Load:
    variant.reset(place)
    load = measured(place, variant.load)
    require_events(place, variant, events)
    # A table that stays is vacuumed and analyzed while the next variant runs, on the same cores.
    variant.reset(place)
    return load


def require_events(place: Place, variant: Variant, events: int) -> None:
    """Raises:
    RuntimeError: so many events are not what the variant's table holds.
    """
    if (found := place.count(variant.table)) != events:
        raise RuntimeError(f"{variant.name} stored {found:,} of {events:,} events.")
