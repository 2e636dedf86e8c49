"""The event files that are loaded, and by which ways: our generator's, those of four producers, strangers'."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from benchmarks.loads.producers import write_producers
from benchmarks.loads.rees46 import START, write_rees46
from benchmarks.variants import dlt_merge, hand, own, spark_job, strangers
from benchmarks.variants.variant import Variant
from clickstream_assets.data_generator import generate_files
from clickstream_assets.generator.spec import DEFAULT_DAYS, SEEDED_UNTIL, GenerationSpec, Ids

FILES, SEED = 4, 11
SEEDED_MONTHS = sorted(
    {(SEEDED_UNTIL - timedelta(days=days)).date().replace(day=1) for days in (0, DEFAULT_DAYS)}
)


@dataclass(frozen=True)
class Workload:
    """`write` writes so many rows into a directory and returns how many events they are."""

    about: str
    write: Callable[[int, Path], int]
    months: Sequence[date]  # of the events
    variants: Sequence[Variant]  # the first one is ours, which all others are compared with

    def chosen(self, only: Sequence[str], *, with_dlt: bool) -> list[Variant]:
        """Ours, and the others whose names begin with one of `only`; without these all."""
        ours, *others = self.variants
        others = [other for other in others if with_dlt or other is not dlt_merge.DLT]
        return [ours, *(other for other in others if not only or other.name.startswith(tuple(only)))]


def _generated(ids: Ids) -> Callable[[int, Path], int]:
    def write(rows: int, out: Path) -> int:
        return generate_files(GenerationSpec(events=rows, files=FILES, seed=SEED, ids=ids), out).unique_events

    return write


def _of_strangers(rows: int, out: Path) -> int:
    return write_rees46(rows, FILES, SEED, out)


ALL_WAYS = (
    own.COPY,
    own.JDBC,
    hand.SQL_OURS,
    hand.SORTED_SQL_OURS,
    hand.COPY_OURS,
    hand.SQL_LEAN,
    hand.COPY_LEAN,
    spark_job.USUAL_JOB,
    dlt_merge.DLT,
)
WORKLOADS: Mapping[str, Workload] = {
    "random": Workload(
        "our generator's files, random ids, no duplicates", _generated("random"), SEEDED_MONTHS, ALL_WAYS
    ),
    "time-ordered": Workload(
        "our generator's files, time-ordered ids, no duplicates",
        _generated("time-ordered"),
        SEEDED_MONTHS,
        ALL_WAYS,
    ),
    "duplicates": Workload(
        "four producers' files of the same hours, 2 % duplicates within and across files",
        write_producers,
        SEEDED_MONTHS,
        (own.COPY, hand.SQL_OURS, hand.SORTED_SQL_OURS),
    ),
    "strangers": Workload(
        "strangers' files: no ids, other names, three columns that are not ours",
        _of_strangers,
        [START.date()],
        (own.COPY, strangers.SQL),
    ),
}
DEFAULT_WORKLOADS = ("random", "duplicates", "strangers")


def unknown_names(workloads: Sequence[Workload], only: Sequence[str]) -> list[str]:
    """Those of `only` that no variant's name begins with."""
    names = [variant.name for workload in workloads for variant in workload.variants]
    return [begin for begin in only if not any(name.startswith(begin) for name in names)]
