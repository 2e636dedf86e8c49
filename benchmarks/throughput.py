"""Throughput: the same files loaded in every way, side by side, round after round.

Interleaved, because a machine that others use is faster now and slower then: only ratios within a round mean
something. The first round warms up (JVM, page cache) and is not counted.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from benchmarks.place import Place, benchmark_place
from benchmarks.variants import Variant, variants
from clickstream_assets.data_generator import generate_files
from clickstream_assets.shop.spec import GenerationSpec, Ids

FILES = 4

Say = Callable[[str], None]


@dataclass
class Throughput:
    """Seconds of each counted round, by variant."""

    rows: int
    ids: Ids
    seconds: dict[str, list[float]] = field(default_factory=dict)
    promises: dict[str, str] = field(default_factory=dict)

    def median_rate(self, name: str) -> float:
        """Rows per second of the median round."""
        return self.rows / statistics.median(self.seconds[name])

    def ratio(self, name: str, other: str) -> float:
        """How many times as fast `name` is as `other`: the median over the rounds."""
        pairs = zip(self.seconds[name], self.seconds[other], strict=True)
        return statistics.median(slow / fast for fast, slow in pairs)


def measure_throughput(
    rows: int, rounds: int, ids: Ids, *, with_dlt: bool, say: Say, only: Sequence[str] = ()
) -> Throughput:
    """Load `rows` new rows in every way, `rounds` times after a round of warm-up.

    Raises:
        RuntimeError: a variant did not load all rows: a figure would be worthless.
    """
    result = Throughput(rows, ids)
    chosen = variants(with_dlt=with_dlt, only=only)
    with benchmark_place(with_jdbc=any(variant.needs_jdbc for variant in chosen)) as place:
        say(f"Writing {rows:,} rows in {FILES} files, {ids} ids …")
        generate_files(GenerationSpec(events=rows, files=FILES, seed=11, ids=ids), place.settings.events_dir)
        for number in range(rounds + 1):
            for variant in chosen:
                seconds = _timed(place, variant, rows)
                say(f"round {number or 'warm-up'}: {variant.name}: {rows / seconds:,.0f} rows/s")
                if number:
                    result.seconds.setdefault(variant.name, []).append(seconds)
                    result.promises[variant.name] = variant.promise
    return result


def _timed(place: Place, variant: Variant, rows: int) -> float:
    variant.reset(place)
    started = time.perf_counter()
    variant.load(place)
    seconds = time.perf_counter() - started
    if (found := place.count(variant.table)) != rows:
        raise RuntimeError(f"{variant.name} loaded {found:,} of {rows:,} rows.")
    # A table that stays is vacuumed and analyzed while the next variant runs, on the same cores.
    variant.reset(place)
    return seconds
