"""Latency: from the rename of a file to its rows being visible, at a given rate.

The real stream, started as `clickstream stream` starts it, and the real generator, in a place of their own, or all that
`clickstream up` starts; the figures are those of the ledger (`committed_at - landed_at`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.programs import benchmark_home, free_port, running, wait_for_files
from benchmarks.statements import statement
from clickstream_assets.database import connect
from clickstream_assets.postgres.connections import Connections

WARM_UP_FILES = 120  # until what waited for the start is in, and Spark has compiled what it repeats
START_LIMIT = 180.0  # seconds


@dataclass(frozen=True)
class Latency:
    """Milliseconds from rename to visible, over `files` files."""

    rate: float  # events per second
    files: int
    rows: int
    p50: float
    p95: float
    p99: float


def measure_latency(
    rate: float, files: int, interval: float, say: Callable[[str], None], *, stack: bool
) -> Latency:
    """Run the stream and a generator of `rate` events per second, a file every `interval` seconds.

    With `stack`, Dagster and its runs are there too; its generator writes a file every second, whatever `interval` is.
    """
    with benchmark_home() as (environment, settings):
        url = Connections(settings).url("reader")
        with _whole_stack(environment, rate) if stack else _stream_alone(environment, rate, interval):
            say(f"{rate:,.0f} events/s: warming up …")
            wait_for_files(url, WARM_UP_FILES, START_LIMIT + WARM_UP_FILES * max(interval, 1.0))
            say(f"{rate:,.0f} events/s: measuring {files} files …")
            wait_for_files(url, WARM_UP_FILES + files, files * max(interval, 1.0) * 3 + 30)
        count, rows, (p50, p95, p99) = ledger_latency(url, WARM_UP_FILES, files)
    return Latency(rate, count, rows, p50, p95, p99)


@contextmanager
def _stream_alone(environment: dict[str, str], rate: float, interval: float) -> Iterator[None]:
    live = ("--rate", str(rate), "--interval", str(interval), "--events", "1000000000")
    with (
        running(environment, "stream"),
        running(environment, "generate", *live, "--out", environment["CLICKSTREAM_EVENTS_DIR"]),
    ):
        yield


@contextmanager
def _whole_stack(environment: dict[str, str], rate: float) -> Iterator[None]:
    own = {"CLICKSTREAM_GENERATOR_RATE": str(rate), "CLICKSTREAM_DAGSTER_PORT": str(free_port())}
    with running(environment | own, "up"):
        yield


def latency_table(results: list[Latency]) -> str:
    """One row per rate."""
    lines = ["| events/s | files | p50 | p95 | p99 |", "|---:|---:|---:|---:|---:|"]
    lines += [
        f"| {r.rate:,.0f} | {r.files:,} | {r.p50:,.0f} ms | {r.p95:,.0f} ms | {r.p99:,.0f} ms |"
        for r in results
    ]
    return "\n".join(lines)


def ledger_latency(url: str, skip: int, files: int) -> tuple[int, int, list[float]]:
    """Files, rows, and p50, p95, p99 in milliseconds, of `files` files after the first `skip`.

    Raises:
        RuntimeError: there are no others.
    """
    connection = connect(url, "benchmarks", autocommit=True)
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement("latency_quantiles"), {"skip": skip, "files": files})
            row = cursor.fetchone()
    finally:
        connection.close()
    if row is None or not row[0]:
        raise RuntimeError("no file was measured.")
    return int(row[0]), int(row[1]), list(row[2])
