"""Growth: what a micro-batch and a refresh of the summaries cost as history grows.

One database that grows from step to step. After each step the real stream takes the files of a live generator, and
the ledger says how long its micro-batches took; then 10,000 new rows are added and all summaries refreshed, five times.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.programs import benchmark_home, committed_files, load_generated, running, wait_for_files
from benchmarks.statements import statement
from clickstream_assets.database import connect
from clickstream_assets.generator.spec import GenerationSpec
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.postgres.schema import setup_databases
from clickstream_assets.settings import Settings
from clickstream_assets.summaries import refresh as summaries

RATE, INTERVAL = 1_000.0, 0.5  # of the live generator: events per second, seconds from file to file
WARM_UP_FILES, MEASURED_FILES = 90, 60
START_LIMIT = 180.0  # seconds
NEW_ROWS, REFRESHES = 10_000, 5
STEP_ROWS = 2_000_000  # of history, loaded at a time
ROWS_PER_FILE = 250_000
SMALL_FILE_ROWS = 10


@dataclass(frozen=True)
class Step:
    """Medians at one size of the history. Milliseconds, but for those in seconds."""

    events: int
    files: int
    batch: float
    merge: float
    latency: float
    refresh_seconds: float  # of all summaries, after NEW_ROWS new rows
    first_refresh_seconds: float  # of all summaries, over what came since the last step


def measure_growth(rows: Sequence[int], small_files: int, say: Callable[[str], None]) -> list[Step]:
    """Measure at each size of `rows` (ascending), the last time with `small_files` files more in the ledger."""
    with benchmark_home() as (environment, settings):
        setup_databases(Connections(settings))
        steps = []
        loaded = 0
        for number, size in enumerate(rows):
            while loaded < size:
                step = min(STEP_ROWS, size - loaded)
                _load(settings, environment, step, -(-step // ROWS_PER_FILE), seed=loaded + 1)
                loaded += step
                say(f"{loaded:,} rows of history")
            if number == len(rows) - 1 and small_files:
                _load(settings, environment, small_files * SMALL_FILE_ROWS, small_files, seed=loaded + 1)
                loaded += small_files * SMALL_FILE_ROWS
                say(f"{small_files:,} files more")
            steps.append(_measured(settings, environment, say))
            say(f"  {steps[-1]}")
        return steps


def growth_table(steps: Sequence[Step]) -> str:
    """One row per step, with how many times as long as at the first one."""
    lines = [
        "| events | files | micro-batch | merge | rename to visible, p50 | refresh after 10,000 rows "
        "| first refresh |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    first = steps[0]
    for step in steps:
        lines.append(
            f"| {step.events:,} | {step.files:,} | {step.batch:,.0f} ms ({step.batch / first.batch:.2f} times) "
            f"| {step.merge:,.1f} ms ({step.merge / first.merge:.2f} times) | {step.latency:,.0f} ms "
            f"| {step.refresh_seconds:.2f} s ({step.refresh_seconds / first.refresh_seconds:.2f} times) "
            f"| {step.first_refresh_seconds:,.0f} s |"
        )
    return "\n".join(lines)


def _load(settings: Settings, environment: dict[str, str], rows: int, files: int, seed: int) -> None:
    load_generated(settings, environment, GenerationSpec(events=rows, files=files, seed=seed))


def _measured(settings: Settings, environment: dict[str, str], say: Callable[[str], None]) -> Step:
    url = Connections(settings).url("reader")
    first_refresh = _refresh(settings, say)
    files = committed_files(url)
    connection = connect(url, "benchmarks", autocommit=True)
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement("inserted_rows"))
            ((events,),) = cursor.fetchall()
            with running(environment, "stream"):
                live = ("--rate", str(RATE), "--interval", str(INTERVAL), "--events", "1000000000")
                with running(environment, "generate", *live, "--out", str(settings.events_dir)):
                    wait_for_files(
                        url, files + WARM_UP_FILES + MEASURED_FILES, START_LIMIT + WARM_UP_FILES * INTERVAL
                    )
            cursor.execute(statement("newest_medians"), {"files": MEASURED_FILES})
            ((batch, merge, latency),) = cursor.fetchall()
    finally:
        connection.close()
    _refresh(settings)
    refreshes = []
    for number in range(REFRESHES):
        _load(settings, environment, NEW_ROWS, 1, seed=int(events) + 7 + number)
        refreshes.append(_refresh(settings))
    refresh = statistics.median(refreshes)
    return Step(int(events), files, batch, merge, latency, refresh, first_refresh)


def _refresh(settings: Settings, say: Callable[[str], None] | None = None) -> float:
    """Bring all summaries up to date; the seconds that it took."""
    connection = connect(Connections(settings).url("writer"), "benchmarks")
    started = time.perf_counter()
    try:
        for name in summaries.NAMES:
            done = summaries.refresh(connection, name)
            if say is not None:
                say(f"  {name}: {done.events:,} events read, {done.row_count:,} rows, {done.seconds:,.1f} s")
    finally:
        connection.close()
    return time.perf_counter() - started
