"""How the checks judge: from measured numbers to pass, warn or error, with the numbers as metadata. Pure.

Belongs here: one judgement a check. Does not belong here: measuring and reporting (`checks`), the limits
(`thresholds`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from clickstream_assets import thresholds
from clickstream_assets.checks.schema_drift import Headers
from clickstream_assets.checks.worst_files import WorstFile, worst_named
from clickstream_assets.ledger import reads as ledger
from clickstream_assets.ledger.audit import Audit
from clickstream_assets.ledger.waiting_files import WaitingFiles
from clickstream_assets.maintenance.reused_ids import RECENT_DAYS, ReusedIdsState
from clickstream_assets.text import count, duration, percent
from clickstream_assets.thresholds import Limits, Verdict, worst

OFFENCES_SHOWN = 10

Metadata = Mapping[str, Any]


@dataclass(frozen=True)
class Judgement:
    """The outcome of one check."""

    verdict: Verdict
    description: str
    metadata: Metadata = field(default_factory=dict)

    @property
    def severity(self) -> dg.AssetCheckSeverity:
        return dg.AssetCheckSeverity.WARN if self.verdict == "warn" else dg.AssetCheckSeverity.ERROR

    def result(self) -> dg.AssetCheckResult:
        """As a run reports it."""
        return dg.AssetCheckResult(
            passed=self.verdict == "pass",
            severity=self.severity,
            description=self.description,
            metadata=dict(self.metadata),
        )

    def evaluation(self, name: str) -> dg.AssetCheckEvaluation:
        """As a sensor reports it, without a run."""
        return dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey("events"),
            check_name=name,
            passed=self.verdict == "pass",
            severity=self.severity,
            description=self.description,
            metadata=dict(self.metadata),
        )


def judge_freshness(waiting: WaitingFiles, newest_event_age: float | None) -> Judgement:
    """Judged is how long the oldest file waits. An idle stream is not stale: the newest event's age is shown."""
    metadata: dict[str, Any] = {
        "oldest_waiting_seconds": float(waiting.oldest_age_seconds or 0.0),
        "files_waiting": waiting.files,
        "bytes_waiting": waiting.size_bytes,
        "waiting_files": list(waiting.oldest_paths),
        "files_on_disk": waiting.files_on_disk,
        "warn_above_seconds": thresholds.FRESHNESS.warn_above,
        "error_above_seconds": thresholds.FRESHNESS.error_above,
    }
    if newest_event_age is not None:
        metadata["newest_event_age_seconds"] = float(newest_event_age)
    if waiting.unlistable:
        named = ", ".join(waiting.unlistable[:OFFENCES_SHOWN])
        return Judgement("error", f"Below the events directory, this cannot be listed: {named}.", metadata)
    if not waiting.files:
        return Judgement("pass", "No file is waiting.", metadata)
    age = waiting.oldest_age_seconds or 0.0
    description = f"{count(waiting.files)} files are waiting, the oldest for {duration(age)}."
    return Judgement(thresholds.FRESHNESS.verdict(age), description, metadata)


def judge_rate(
    what: str,
    limits: Limits,
    rows: tuple[int, int],
    window: ledger.WindowCounts,
    lifetime: ledger.Counts,
    more: Metadata,
    worst: Sequence[WorstFile] = (),
) -> Judgement:
    """Judged is the share within the window; the exact figures of the lifetime are shown.

    Args:
        what: what the counted rows were, as a clause.
        rows: the counted rows of the window and of the lifetime.
        worst: the files that most of the window's counted rows came in, the worst first.
    """
    rate, lifetime_rate = (
        part / counts.rows_read if counts.rows_read else 0.0
        for part, counts in zip(rows, (window, lifetime), strict=True)
    )
    metadata = {
        "rate": float(rate),
        "rows": rows[0],
        "rows_read": window.rows_read,
        "window_seconds": float(window.window_seconds),
        "lifetime_rate": float(lifetime_rate),
        "lifetime_rows": rows[1],
        "lifetime_rows_read": lifetime.rows_read,
        "warn_above": limits.warn_above,
        "error_above": limits.error_above,
        **more,
    }
    if worst:
        metadata["worst_files"] = [file.as_metadata() for file in worst]
    span = duration(window.window_seconds)
    if not window.rows_read:
        return Judgement("pass", f"No rows were read in the last {span}.", metadata)
    description = (
        f"{percent(rate)} of {count(window.rows_read)} rows of the last {span} were {what}; "
        f"{percent(lifetime_rate)} of all.{worst_named(worst)}"
    )
    return Judgement(limits.verdict(rate), description, metadata)


def judge_reused_ids(state: ReusedIdsState) -> Judgement:
    """Judged is what the looks of the last days have found: a producer that reuses ids, or changes times."""
    metadata: dict[str, Any] = {
        "found_recently": state.recent,
        "recent_days": RECENT_DAYS,
        "found_in_all": state.reused,
        "through_batch": state.through_batch_id,
        "batches_not_looked_at": state.newest_batch_id - state.through_batch_id,
        "examples": list(state.examples),
    }
    if state.looked_at is None:
        return Judgement("pass", "Not looked for yet: the job maintenance does it, every night.", metadata)
    metadata["looked_at"] = dg.MetadataValue.timestamp(state.looked_at)
    if not state.recent:
        return Judgement(
            "pass", f"No id at two times, up to batch {count(state.through_batch_id)}.", metadata
        )
    description = (
        f"{count(state.recent)} events have the id of an earlier one at another time (found in the last "
        f"{RECENT_DAYS} days; table reused_event_ids)."
    )
    return Judgement("warn", description, metadata)


def judge_conservation(audit: Audit, since_batch: int, skipped: int = 0) -> Judgement:
    """Judged is whether rows read = inserted + duplicate + rejected, in the books and in the tables.

    Args:
        since_batch: the batches after this one were audited.
        skipped: batches before it that were too many to be audited here.
    """
    metadata: dict[str, Any] = {
        "since_batch": since_batch,
        "through_batch": since_batch + audit.batches,
        "batches": audit.batches,
        "batches_skipped": skipped,
        "files": audit.files,
        "rows_read": audit.counts.rows_read,
        "rows_inserted": audit.counts.rows_inserted,
        "rows_duplicate": audit.counts.rows_duplicate,
        "rows_rejected": audit.counts.rows_rejected,
        "rows_dropped": audit.rows_dropped,
        "offences": audit.offence_count,
        "seconds": float(audit.seconds),
    }
    if audit.ok:
        what = f"{count(audit.counts.rows_read)} rows in {count(audit.batches)} batches"
        if audit.rows_dropped:
            what += f", {count(audit.rows_dropped)} of them dropped by retention since"
        gap = f" {count(skipped)} batches before them were too many for this check." if skipped else ""
        return Judgement("pass", f"{what}, and every row is accounted for.{gap}", metadata)
    messages = [offence.message for offence in audit.offences[:OFFENCES_SHOWN]]
    metadata["first_offences"] = messages
    return Judgement("error", f"{count(audit.offence_count)} offences, the first: {messages[0]}.", metadata)


def judge_latency(latency: ledger.Latency, window_seconds: float, limits: Limits) -> Judgement:
    """Judged is the 99th percentile from a file's rename to its rows being visible."""
    metadata: dict[str, Any] = {
        "files": latency.files,
        "window_seconds": float(window_seconds),
        "warn_above_seconds": limits.warn_above,
    }
    span = duration(window_seconds)
    if latency.p50_seconds is None or latency.p95_seconds is None or latency.p99_seconds is None:
        return Judgement("pass", f"No file became visible in the last {span}.", metadata)
    metadata |= {
        "p50_seconds": float(latency.p50_seconds),
        "p95_seconds": float(latency.p95_seconds),
        "p99_seconds": float(latency.p99_seconds),
        "max_seconds": float(latency.max_seconds or 0.0),
    }
    description = (
        f"p50 {duration(latency.p50_seconds)}, p95 {duration(latency.p95_seconds)}, "
        f"p99 {duration(latency.p99_seconds)} from rename to visible, over the {count(latency.files)} files of the "
        f"last {span}; wanted are {duration(limits.warn_above)}."
    )
    return Judgement(limits.verdict(latency.p99_seconds), description, metadata)


def judge_id_conflicts(
    window: ledger.WindowCounts, lifetime_rows: int, examples: Sequence[Mapping[str, Any]]
) -> Judgement:
    """Judged is the share of the window's rows that have the id and time of a stored event but other content.

    Args:
        lifetime_rows: of all time, counted up to `thresholds.CONFLICTS_COUNTED`.
        examples: the newest of them.
    """
    limits = thresholds.ID_CONFLICTS
    rate = window.rows_conflict / window.rows_read if window.rows_read else 0.0
    at_least = "at least " if lifetime_rows >= thresholds.CONFLICTS_COUNTED else ""
    metadata: dict[str, Any] = {
        "rows": window.rows_conflict,
        "rate": float(rate),
        "rows_read": window.rows_read,
        "window_seconds": float(window.window_seconds),
        "lifetime_rows": lifetime_rows,
        "lifetime_is_exact": not at_least,
        "newest": [dict(example) for example in examples],
        "warn_above": limits.warn_above,
        "error_above": limits.error_above,
    }
    description = (
        f"{count(window.rows_conflict)} rows of the last {duration(window.window_seconds)} had the id and time of a "
        f"stored event but other content; {at_least}{count(lifetime_rows)} of all time."
    )
    return Judgement(limits.verdict(rate), description, metadata)


def judge_schema_drift(headers: Headers) -> Judgement:
    """Judged are headers that were never seen before, and files of which nothing could be read."""
    metadata: dict[str, Any] = {
        "headers_new": len(headers.new),
        "headers_known": len(headers.known),
        "files_with_unusable_header": headers.unusable,
        "files_unreadable": headers.unreadable,
        "window_seconds": float(headers.window_seconds),
    }
    changes = headers.changes()[-OFFENCES_SHOWN:]
    files = {group.reason: {"files": group.files, "newest": list(group.paths)} for group in headers.rejected}
    if changes:
        metadata["changes"] = changes
    if files:
        metadata["files_not_read"] = files
    verdict = worst(
        thresholds.NEW_HEADERS.verdict(len(headers.new)),
        thresholds.UNREADABLE_FILES.verdict(headers.unreadable),
        thresholds.UNUSABLE_HEADERS.verdict(headers.unusable),
    )
    span = duration(headers.window_seconds)
    parts = []
    if headers.unusable:
        parts.append(f"{count(headers.unusable)} files with a header that cannot be used")
    if headers.unreadable:
        parts.append(f"{count(headers.unreadable)} files that cannot be read")
    if headers.new:
        parts.append(f"{count(len(headers.new))} headers never seen before, the newest: {changes[-1]}")
    found = "; ".join(parts) or "no header that was not known, and every file could be read"
    return Judgement(verdict, f"In the last {span}: {found}.", metadata)
