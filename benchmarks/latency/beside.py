"""Latency against the usual Spark job: both at once, on the same files, landed at the same moments.

So each has what the other leaves of the machine; `apart` runs one after the other, each with the machine to itself and
files of the same size. Both are measured from outside in the same way (`visibility`); of ours there is what the ledger
says as well.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.latency.alone import START_LIMIT, ledger_latency
from benchmarks.latency.distributor import Distributor
from benchmarks.latency.usual_job import URL
from benchmarks.latency.visibility import Visibility
from benchmarks.place import jdbc_jar, run_as
from benchmarks.programs import benchmark_home, running, running_module
from benchmarks.statements import statement
from benchmarks.variants import own, spark_job
from benchmarks.variants.variant import Variant
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.settings import Settings

WARM_UP_FILES = 240  # two JVMs compile what they repeat, on the same cores
KEEPS_UP_SECONDS = 5.0  # whoever has more than that waiting does not keep up
LOOK_SECONDS = 0.5
OURS, USUAL = own.COPY, spark_job.USUAL_JOB


@dataclass(frozen=True)
class Pace:
    """What the generator is asked for."""

    rate: float  # events per second
    files: int  # to be measured
    interval: float  # seconds from file to file


@dataclass(frozen=True)
class Quantiles:
    """Milliseconds from rename to visible."""

    name: str
    files: int
    p50: float
    p95: float
    p99: float


def measure_beside(pace: Pace, say: Callable[[str], None], *, apart: bool) -> list[Quantiles]:
    """Ours, the usual job, and ours by its ledger.

    Raises:
        SettingsError: the usual job cannot run.
        RuntimeError: the files were not loaded in time.
    """
    jdbc_jar()
    runs = [(OURS,), (USUAL,)] if apart else [(OURS, USUAL)]
    found = [result for pipelines in runs for result in _measured(pipelines, pace, say)]
    return sorted(found, key=lambda result: result.name.endswith("ledger"))


def quantiles(values: Sequence[float]) -> tuple[float, float, float]:
    """p50, p95 and p99."""
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return cuts[49], cuts[94], cuts[98]


def beside_table(results: Sequence[Quantiles]) -> str:
    """One row per pipeline, with how many times as long as ours."""
    lines = ["| rename to visible | files | p50 | p95 | p99 |", "|---|---:|---:|---:|---:|"]
    ours = results[0]
    for result in results:
        pairs = ((result.p50, ours.p50), (result.p95, ours.p95), (result.p99, ours.p99))
        cells = [f"{value:,.0f} ms ({value / our_value:.2f} times)" for value, our_value in pairs]
        lines.append(f"| {result.name} | {result.files:,} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _measured(pipelines: Sequence[Variant], pace: Pace, say: Callable[[str], None]) -> list[Quantiles]:
    """Run `pipelines` at once."""
    names = " and ".join(pipeline.name for pipeline in pipelines)
    with benchmark_home() as (environment, settings), ExitStack() as looks:
        owner = Connections(settings).url("owner")
        run_as(owner, statement("hand_tables"))
        tables = {
            pipeline.name: looks.enter_context(Visibility(owner, pipeline.table)) for pipeline in pipelines
        }
        with _running(environment, settings, tables, pace):
            say(f"{names}, {pace.rate:,.0f} events/s: warming up …")
            limit = START_LIMIT + WARM_UP_FILES * pace.interval * 2
            begin = _caught_up(tables.values(), pace.interval, limit)
            say(f"{names}: measuring {pace.files} files after the first {begin} …")
            wanted = range(begin, begin + pace.files)
            _visible(tables.values(), wanted, pace.files * pace.interval * 3 + 30)
        results = []
        for name, table in tables.items():
            seen = table.seen()
            results.append(Quantiles(name, pace.files, *quantiles([seen[file] * 1000 for file in wanted])))
        if OURS in pipelines:
            _, _, by_ledger = ledger_latency(Connections(settings).url("reader"), begin, pace.files)
            results.append(Quantiles(f"{OURS.name}, by its ledger", pace.files, *by_ledger))
    return results


@contextmanager
def _running(
    environment: dict[str, str], settings: Settings, tables: dict[str, Visibility], pace: Pace
) -> Iterator[None]:
    """The pipelines named, and a generator whose files all of them get."""
    made, other = settings.home / "made", settings.home / "usual"
    targets: dict[Path, Visibility] = {}
    with ExitStack() as programs:
        if OURS.name in tables:
            targets[settings.events_dir] = tables[OURS.name]
            programs.enter_context(running(environment, "stream"))
        if USUAL.name in tables:
            targets[other] = tables[USUAL.name]
            other.mkdir()
            arguments = (str(other), str(settings.home / "usual-checkpoint"))
            own_url = environment | {URL: Connections(settings).url("owner")}
            job = running_module(own_url, "benchmarks.latency.usual_job", *arguments, name="usual job")
            programs.enter_context(job)
        made.mkdir()
        programs.enter_context(Distributor(made, targets))
        live = ("--rate", str(pace.rate), "--interval", str(pace.interval), "--events", "1000000000")
        programs.enter_context(running(environment, "generate", *live, "--out", str(made)))
        yield


def _caught_up(tables: Collection[Visibility], interval: float, limit: float) -> int:
    """Wait for the end of the warm-up, and until all keep up: what waited for their start is no latency.

    Returns the number of files that have landed by then.
    """
    most = max(1, round(KEEPS_UP_SECONDS / interval))
    deadline = time.monotonic() + limit
    while True:
        seen = [len(table.seen()) for table in tables]
        waiting = [table.waiting() for table in tables]
        if min(seen) >= WARM_UP_FILES and max(waiting) <= most:
            return max(map(sum, zip(seen, waiting, strict=True)))
        if time.monotonic() > deadline:
            raise RuntimeError(
                f"{max(waiting)} files were still waiting after {limit:.0f} s: no steady state."
            )
        time.sleep(LOOK_SECONDS)


def _visible(tables: Collection[Visibility], files: range, limit: float) -> None:
    """Wait until all `files` are visible in all tables."""
    deadline = time.monotonic() + limit
    while not all(table.seen().keys() >= set(files) for table in tables):
        if time.monotonic() > deadline:
            raise RuntimeError(f"{len(files)} files were not visible within {limit:.0f} s.")
        time.sleep(LOOK_SECONDS)
