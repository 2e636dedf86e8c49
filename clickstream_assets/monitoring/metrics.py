"""The metrics of the pipeline for Prometheus, read from the ledger and the disk when they are asked for.

Here are their names, kinds and help texts; `scrape` reads the numbers. docs/monitoring.md explains each.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

import psycopg2
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from clickstream_assets.errors import ClickstreamError
from clickstream_assets.monitoring.scrape import LATENCY_BOUNDS, Reader, Scraped
from clickstream_assets.supervision.model import StreamState
from clickstream_assets.text import first_line


class PipelineCollector(Collector):
    """Reads once a scrape. Where the database does not answer, `clickstream_scrape_success` is 0, and all that is told
    else is how long a stream has been waiting."""

    def __init__(self, reader: Reader, report: Callable[[str], None] = lambda _text: None) -> None:
        self._reader = reader
        self._report = report
        self._one_at_a_time = threading.Lock()

    def describe(self) -> Iterable[Metric]:
        """Nothing, so that registering reads no database."""
        return []

    def collect(self) -> Iterable[Metric]:
        scraped = None
        try:
            with self._one_at_a_time:
                scraped = self._reader.read()
        except (psycopg2.Error, ClickstreamError, OSError) as error:
            self._report(first_line(error))
        yield _gauge(
            "clickstream_scrape_success", "Whether the ledger could be read: 1 or 0.", scraped is not None
        )
        waits = scraped.waits if scraped is not None else self._reader.waits()
        yield _gauge(
            "clickstream_stream_waiting_seconds",
            "How long a living stream has been waiting for its database or its directory; 0 where none does.",
            max(0.0, time.time() - waits.since) if waits is not None else 0.0,
        )
        if scraped is not None:
            yield from _counters(scraped)
            yield from _backlog(scraped)
            yield from _stream(scraped)
            yield _latency(scraped)
            yield _gauge(
                "clickstream_settle_seconds",
                "For so long a file must not have changed before it is read; of several sources the longest.",
                scraped.settle_seconds,
            )
            yield from _summaries(scraped)
            yield from _sources(scraped)


def _counters(scraped: Scraped) -> Iterable[Metric]:
    rows = CounterMetricFamily("clickstream_rows", "Rows read, by what became of them.", labels=["result"])
    rows.add_metric(["inserted"], scraped.totals.rows_inserted)
    rows.add_metric(["duplicate"], scraped.totals.rows_duplicate)
    rows.add_metric(["rejected"], scraped.totals.rows_rejected)
    yield rows
    rejects = CounterMetricFamily(
        "clickstream_rejected_rows", "Rows that could not be read as events, by reason.", labels=["reason"]
    )
    for reason, number in sorted(scraped.rejects.items()):
        rejects.add_metric([reason], number)
    yield rejects
    yield _counter(
        "clickstream_conflicting_rows",
        "Rows with the id and time of a stored event but other content.",
        scraped.conflicts,
    )
    yield _counter(
        "clickstream_batches",
        "Micro-batches committed.",
        scraped.last_batch.batch_id if scraped.last_batch else 0,
    )


def _backlog(scraped: Scraped) -> Iterable[Metric]:
    waiting = scraped.waiting
    yield _gauge("clickstream_backlog_files", "Files on disk that are not in the database.", waiting.files)
    yield _gauge("clickstream_backlog_bytes", "Their size on disk.", waiting.size_bytes)
    yield _gauge(
        "clickstream_backlog_oldest_seconds",
        "How long the oldest of them has been waiting; 0 where none is.",
        waiting.oldest_age_seconds or 0.0,
    )
    yield _gauge(
        "clickstream_unlistable_directories",
        "Directories of event files that cannot be listed.",
        len(waiting.unlistable),
    )


def _stream(scraped: Scraped) -> Iterable[Metric]:
    lease = scraped.lease
    yield _gauge(
        "clickstream_stream_up", "Whether a stream lives and holds the lock: 1 or 0.", lease.lock_held
    )
    yield _gauge(
        "clickstream_stream_wanted",
        "Whether the stream is to run: 1, or 0 where it was stopped on purpose.",
        lease.wanted == "running",
    )
    states = GaugeMetricFamily(
        "clickstream_stream_state", "1 for the state that the stream is in, else 0.", labels=["state"]
    )
    for state in StreamState:
        states.add_metric([str(state)], float(state is scraped.state))
    yield states
    yield _counter(
        "clickstream_stream_starts", "Streams that took the lease, catch-up runs included.", lease.epoch
    )
    yield _gauge(
        "clickstream_stream_failures", "Starts in a row that did not live for half a minute.", lease.failures
    )
    if scraped.last_batch is not None:
        yield _gauge(
            "clickstream_last_commit_timestamp_seconds",
            "When the newest micro-batch was committed, in seconds since 1970.",
            scraped.last_batch.committed_at.timestamp(),
        )
    if scraped.newest_event_age is not None:
        yield _gauge(
            "clickstream_newest_event_age_seconds",
            "Lag: age of the newest event_time ever read. Grows while producers are silent.",
            scraped.newest_event_age,
        )


def _latency(scraped: Scraped) -> Metric:
    """Prometheus wants the buckets cumulative."""
    buckets, below = [], 0
    for bound, number in zip((*LATENCY_BOUNDS, None), scraped.latency_counts, strict=True):
        below += number
        buckets.append(("+Inf" if bound is None else floatToGoString(bound), float(below)))
    return HistogramMetricFamily(
        "clickstream_file_latency_seconds",
        "From a file's rename to its rows being visible, over all committed files of the ledger.",
        buckets=buckets,
        sum_value=scraped.latency_sum,
    )


def _summaries(scraped: Scraped) -> Iterable[Metric]:
    family = GaugeMetricFamily(
        "clickstream_refresh_waiting_seconds",
        "How long the oldest batch that a summary has not taken in has been waiting; 0 where none is.",
        labels=["summary"],
    )
    for summary, seconds in sorted(scraped.summaries_waiting.items()):
        family.add_metric([summary], seconds)
    yield family


def _sources(scraped: Scraped) -> Iterable[Metric]:
    """Of each source, where there are several."""
    if not scraped.sources.sources:
        return
    gauges = {
        name: GaugeMetricFamily(f"clickstream_source_{name}", text, labels=["source"])
        for name, text in {
            "up": "Whether the files of a source can be taken: 1, or 0 where its directory does not answer.",
            "backlog_files": "Files of a source on disk that are not in the database.",
            "backlog_oldest_seconds": "How long the oldest of them has been waiting; 0 where none is.",
            "held_files": "Files of a source that are held back, and of which nobody has decided yet.",
            "latency_p99_seconds": "From a file's rename to its rows being visible, 99 % of the last hour's files.",
        }.items()
    }
    rows = GaugeMetricFamily(
        "clickstream_source_rows_last_hour",
        "Rows of a source's files of the last hour, by what became of them.",
        labels=["source", "result"],
    )
    for one in scraped.sources.sources:
        name, counts = [one.source.name], one.facts.counts
        gauges["up"].add_metric(name, float(one.waiting is not None and not one.facts.problem))
        if one.waiting is not None:
            gauges["backlog_files"].add_metric(name, one.waiting.files)
            gauges["backlog_oldest_seconds"].add_metric(name, one.waiting.oldest_age_seconds or 0.0)
        gauges["held_files"].add_metric(name, one.facts.held_files)
        if counts.p99_seconds is not None:
            gauges["latency_p99_seconds"].add_metric(name, counts.p99_seconds)
        for result in ("inserted", "duplicate", "rejected"):
            rows.add_metric([*name, result], getattr(counts, f"rows_{result}"))
    yield from gauges.values()
    yield rows
    yield _gauge(
        "clickstream_sources_faulty",
        "Whether the newest version of the sources' file cannot be used: 1 or 0.",
        scraped.sources.fault is not None,
    )


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=float(value))


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(name, text, value=float(value))
