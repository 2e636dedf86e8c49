"""The status in one line, as `clickstream up` prints it again and again."""

from __future__ import annotations

from clickstream_assets.ledger import reads as ledger
from clickstream_assets.monitoring.status import Status
from clickstream_assets.text import count, duration, percent

NOT_ARCHIVED = "finished files are not archived, and stay where they are"


def status_line(status: Status) -> str:
    """One line, for `clickstream up`."""
    window, latency = status.window, status.latency
    parts = [
        f"stream {status.decision.state}{_streamer(status)}",
        *([status.read_only.rstrip(".")] if status.read_only else []),
        *([status.away] if status.away else []),
        *([f"{NOT_ARCHIVED}: {status.archive}"] if status.archive else []),
        *([status.decision.unsupervised] if status.decision.unsupervised else []),
        *(status.dagster.complaints if status.dagster else ()),
        f"{count(status.waiting.files)} files waiting",
        f"{count(status.totals.rows_inserted - status.dropped.rows)} events stored",
        f"{window_name(status)}: duplicates {percent(window.duplicate_rate)}, "
        f"rejects {percent(window.reject_rate)}, "
        f"latency p50 {duration(latency.p50_seconds)}, p99 {duration(latency.p99_seconds)}",
    ]
    return " · ".join(parts)


def _streamer(status: Status) -> str:
    """Who streams, in brackets; nothing where nobody does."""
    lease = status.lease
    if not lease.lock_held:
        return ""
    who = (
        f"run {lease.dagster_run_id[:8]}" if lease.dagster_run_id else f"process {lease.pid} on {lease.host}"
    )
    mode = "" if lease.mode == "continuous" else f"{lease.mode}, "
    return f" ({mode}{who})"


def window_name(status: Status) -> str:
    """What the rates and the latency are of: the last hour, or another time."""
    seconds = status.window.window_seconds
    return "last hour" if seconds == ledger.DEFAULT_WINDOW_SECONDS else f"last {duration(seconds)}"
