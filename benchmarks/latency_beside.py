"""Latency beside the usual Spark job: both run at once, on the same files, landed at the same moments.

So both have half of the machine. Both are measured from outside in the same way (`visibility`); of ours there is what
the ledger says as well.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.distributor import Distributor
from benchmarks.latency import START_LIMIT, WARM_UP_FILES, ledger_latency
from benchmarks.place import jdbc_jar, run_as
from benchmarks.programs import benchmark_home, running, running_module
from benchmarks.statements import statement
from benchmarks.usual_job import URL
from benchmarks.variants.hand import LEAN, OURS
from benchmarks.visibility import Visibility
from clickstream_assets.credentials import role_url
from clickstream_assets.settings import Settings

PIPELINE, USUAL = "pipeline, copy", "usual Spark job, lean table"
LEDGER = "pipeline, copy, by its ledger"


@dataclass(frozen=True)
class Quantiles:
    """Milliseconds from rename to visible."""

    name: str
    files: int
    p50: float
    p95: float
    p99: float


def measure_beside(rate: float, files: int, interval: float, say: Callable[[str], None]) -> list[Quantiles]:
    """Run both under a generator of `rate` events per second, a file every `interval` seconds.

    Raises:
        JdbcDriverMissing: the usual job cannot run.
        RuntimeError: the files were not loaded in time.
    """
    jdbc_jar()
    with benchmark_home() as (environment, settings):
        owner = role_url(settings, "owner")
        run_as(owner, statement("hand_tables"))
        with (
            Visibility(owner, OURS) as ours,
            Visibility(owner, LEAN) as theirs,
            _both(environment, settings, owner, ours, theirs, (rate, interval)),
        ):
            say(f"{rate:,.0f} events/s, two pipelines: warming up …")
            _wait((ours, theirs), WARM_UP_FILES, START_LIMIT + WARM_UP_FILES * interval * 2)
            say(f"{rate:,.0f} events/s, two pipelines: measuring {files} files …")
            _wait((ours, theirs), WARM_UP_FILES + files, files * interval * 3 + 30)
            by_name = {PIPELINE: ours.seen(), USUAL: theirs.seen()}
        _, _, by_ledger = ledger_latency(role_url(settings, "reader"), WARM_UP_FILES)
    wanted = range(WARM_UP_FILES, WARM_UP_FILES + files)
    results = [
        Quantiles(name, files, *quantiles([seen[number] * 1000 for number in wanted]))
        for name, seen in by_name.items()
    ]
    return [*results, Quantiles(LEDGER, files, *by_ledger)]


def quantiles(values: Sequence[float]) -> tuple[float, float, float]:
    """p50, p95 and p99."""
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return cuts[49], cuts[94], cuts[98]


def beside_table(results: Sequence[Quantiles]) -> str:
    """One row per pipeline, with how many times as long as ours."""
    lines = ["| seen by looking | files | p50 | p95 | p99 |", "|---|---:|---:|---:|---:|"]
    ours = results[0]
    for result in results:
        cells = [
            f"{value:,.0f} ms ({value / our_value:.2f} times)"
            for value, our_value in (
                (result.p50, ours.p50),
                (result.p95, ours.p95),
                (result.p99, ours.p99),
            )
        ]
        lines.append(f"| {result.name} | {result.files:,} | {' | '.join(cells)} |")
    return "\n".join(lines)


@contextmanager
def _both(
    environment: dict[str, str],
    settings: Settings,
    owner: str,
    ours: Visibility,
    theirs: Visibility,
    pace: tuple[float, float],
) -> Iterator[None]:
    made, other = settings.home / "made", settings.home / "usual"
    made.mkdir()
    other.mkdir()
    rate, interval = pace
    live = ("--rate", str(rate), "--interval", str(interval), "--events", "1000000000", "--out", str(made))
    usual = (str(other), str(settings.home / "usual-checkpoint"))
    with (
        running(environment, "stream"),
        running_module(environment | {URL: owner}, "benchmarks.usual_job", *usual, name="usual job"),
        Distributor(made, {settings.events_dir: ours, other: theirs}),
        running(environment, "generate", *live),
    ):
        yield


def _wait(tables: Sequence[Visibility], files: int, limit: float) -> None:
    """Wait until the first `files` files are visible in all tables."""
    deadline = time.monotonic() + limit
    while not all(sum(number < files for number in table.seen()) >= files for table in tables):
        if time.monotonic() > deadline:
            raise RuntimeError(f"{files} files were not visible in both tables within {limit:.0f} s.")
        time.sleep(0.5)
