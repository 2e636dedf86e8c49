"""What the checks `duplicate_rate` and `reject_rate` share: a share of the last hour's rows, and its worst files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from clickstream_assets.checks.judgement import Judgement
from clickstream_assets.checks.look import Look
from clickstream_assets.checks.on_events.worst_files import Kind, WorstFile, read_worst_files, worst_named
from clickstream_assets.ledger import reads as ledger
from clickstream_assets.text import count, duration, percent
from clickstream_assets.thresholds import Limits


@dataclass(frozen=True)
class Rate:
    """Rows of one kind, within the window and of all time. `what` says what they were, as a clause."""

    what: str
    limits: Limits
    rows: int
    lifetime_rows: int
    window: ledger.WindowCounts
    lifetime: ledger.Counts
    more: Mapping[str, Any] = field(default_factory=dict)  # metadata
    worst: Sequence[WorstFile] = ()  # where most of the rows came in, the worst first


def read_worst(look: Look, kind: Kind, limits: Limits, rows: int) -> list[WorstFile]:
    """The worst files, where the rate is over its limit: they cost a look at every file of the window."""
    window = look.window
    if not window.rows_read or limits.verdict(rows / window.rows_read) == "pass":
        return []
    return read_worst_files(look.connection, kind, window.window_seconds)


def judge_rate(rate: Rate) -> Judgement:
    """Judged is the share within the window; the exact figures of the lifetime are shown."""
    window, lifetime = rate.window, rate.lifetime
    share = rate.rows / window.rows_read if window.rows_read else 0.0
    lifetime_share = rate.lifetime_rows / lifetime.rows_read if lifetime.rows_read else 0.0
    metadata = {
        "rate": float(share),
        "rows": rate.rows,
        "rows_read": window.rows_read,
        "window": duration(window.window_seconds),
        "lifetime_rate": float(lifetime_share),
        "lifetime_rows": rate.lifetime_rows,
        "lifetime_rows_read": lifetime.rows_read,
        "warn_above": percent(rate.limits.warn_above),
        "error_above": percent(rate.limits.error_above),
        **rate.more,
    }
    if rate.worst:
        metadata["worst_files"] = [file.as_metadata() for file in rate.worst]
    span = duration(window.window_seconds)
    if not window.rows_read:
        return Judgement("pass", f"No rows were read in the last {span}.", metadata)
    description = (
        f"{percent(share)} of {count(window.rows_read)} rows of the last {span} were {rate.what}; "
        f"{percent(lifetime_share)} of all.{worst_named(rate.worst)}"
    )
    return Judgement(rate.limits.verdict(share), description, metadata)
