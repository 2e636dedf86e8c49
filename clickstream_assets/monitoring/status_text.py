"""The status as people read it, on one screen."""

from __future__ import annotations

from clickstream_assets.ledger.waiting import set_aside_sentence
from clickstream_assets.monitoring.source_status import sources_rows
from clickstream_assets.monitoring.status import Status, state_since
from clickstream_assets.monitoring.status_line import NOT_ARCHIVED, window_name
from clickstream_assets.text import count, duration, moment, percent, printable, size


def status_text(status: Status) -> str:
    """One screen for a person."""
    rows: list[tuple[str, str]] = [
        *_stream_rows(status),
        ("", ""),
        *_waiting_rows(status),
        *_batch_rows(status),
        ("", ""),
        *_count_rows(status),
        ("", ""),
        ("Latency", _latency_text(status)),
    ]
    if status.rejects_by_reason:
        reasons = ", ".join(f"{reason} {count(rows)}" for reason, rows in status.rejects_by_reason.items())
        rows.append(("Rejects", f"{reasons} ({window_name(status)})"))
    if status.sources.sources:
        rows += [("", ""), *sources_rows(status.sources)]
    return "\n".join(f"{name:<14}{text}".rstrip() for name, text in rows)


def _stream_rows(status: Status) -> list[tuple[str, str]]:
    lease, since = status.lease, state_since(status)
    lasting = f" for {duration(status.age(since))}, since {moment(since)}" if since else ""
    rows = [("Stream", f"{status.decision.state}{lasting}"), ("", status.decision.reason)]
    if status.read_only and not status.waits:
        rows.append(("", f"! {status.read_only}"))
    if status.decision.unsupervised:
        rows.append(("", f"! {status.decision.unsupervised}"))
    rows += [("", f"! {complaint}") for complaint in (status.dagster.complaints if status.dagster else ())]
    if lease.lock_held:
        rows.append(("", f"{lease.mode}, process {lease.pid} on {lease.host}, epoch {lease.epoch}"))
    if lease.dagster_run_id:
        rows.append(("Dagster run", lease.dagster_run_id))
    if lease.lock_held and lease.spark_ui_url:
        rows.append(("Spark UI", lease.spark_ui_url))
    return rows


def _waiting_rows(status: Status) -> list[tuple[str, str]]:
    waiting = status.waiting
    text = "no files"
    if waiting.files:
        oldest = (
            f"the oldest for {duration(waiting.oldest_age_seconds)}: {printable(waiting.oldest_paths[0])}"
        )
        text = f"{count(waiting.files)} files, {size(waiting.size_bytes)}, {oldest}"
    rows = [("Waiting", f"{text} (in {printable(str(status.events_dir))})")]
    if paths := waiting.unterminated_paths:
        who = (
            "1 file waits for the end of its"
            if len(paths) == 1
            else f"{len(paths)} files wait for the end of their"
        )
        rows.append(("", f"{who} last line: {', '.join(map(printable, paths))}"))
    if status.away:
        rows.append(("", f"! {printable(status.away)}"))
    if "." in waiting.unlistable:
        rows.append(("", "! this directory is not there, or cannot be listed"))
    elif waiting.unlistable:
        names = ", ".join(map(printable, waiting.unlistable[:3]))
        rows.append(("", f"! {len(waiting.unlistable)} directories cannot be listed: {names}"))
    if waiting.set_aside:
        rows.append(("", f"! {set_aside_sentence(waiting)}"))
    if waiting.vanished:
        names = ", ".join(map(printable, waiting.vanished_paths[:3]))
        rows.append(("", f"! {count(waiting.vanished)} registered files are no longer there: {names}"))
    if status.archive:
        rows.append(("", f"! {NOT_ARCHIVED}: {printable(status.archive)}"))
    if waiting.ignored:
        names = ", ".join(map(printable, waiting.ignored_paths[:3]))
        more = ", …" if waiting.ignored > 3 else ""
        rows.append(("", f"{count(waiting.ignored)} not read, by their names: {names}{more}"))
    return rows


def _batch_rows(status: Status) -> list[tuple[str, str]]:
    batch = status.last_batch
    if batch is None:
        return [("Last batch", "none yet")]
    what = f"{count(batch.rows_read)} rows of {count(batch.files)} files in {duration(batch.seconds)}"
    rows = [("Last batch", f"{batch.batch_id}, {duration(status.age(batch.committed_at))} ago: {what}")]
    if status.newest_event_time:
        age = duration(status.age(status.newest_event_time))
        rows.append(("Newest event", f"{moment(status.newest_event_time)}, {age} ago"))
    return rows


def _count_rows(status: Status) -> list[tuple[str, str]]:
    header = ("read", "inserted", "duplicate", "", "rejected", "")
    rows = [("Rows", _columns(header))]
    for name, counts in (
        (window_name(status).capitalize(), status.window),
        ("Lifetime", status.totals),
    ):
        values = (
            count(counts.rows_read),
            count(counts.rows_inserted),
            count(counts.rows_duplicate),
            percent(counts.duplicate_rate),
            count(counts.rows_rejected),
            percent(counts.reject_rate),
        )
        rows.append((name, _columns(values)))
    if status.dropped.events_from is not None:
        stored = status.totals.rows_inserted - status.dropped.rows
        rows.append(
            (
                "Retention",
                f"{count(status.dropped.rows)} of the inserted were dropped, before"
                f" {moment(status.dropped.events_from)}; {count(stored)} are stored",
            )
        )
    return rows


def _columns(values: tuple[str, ...]) -> str:
    widths = (15, 15, 15, 10, 13, 10)
    return "".join(value.rjust(width) for value, width in zip(values, widths, strict=True))


def _latency_text(status: Status) -> str:
    latency = status.latency
    if not latency.files and status.window.batches:
        return f"not measured: files that waited for the first stream do not count ({window_name(status)})"
    if not latency.files:
        return f"no file became visible ({window_name(status)})"
    parts = [
        f"p50 {duration(latency.p50_seconds)}",
        f"p95 {duration(latency.p95_seconds)}",
        f"p99 {duration(latency.p99_seconds)}",
        f"longest {duration(latency.max_seconds)}",
    ]
    return " · ".join(parts) + f" ({count(latency.files)} files, landed to visible, {window_name(status)})"
