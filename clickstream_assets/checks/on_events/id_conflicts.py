"""The check `id_conflicts`: rows that give the id and time of a stored event to other content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clickstream_assets import thresholds
from clickstream_assets.checks.judgement import Judgement
from clickstream_assets.checks.look import Look
from clickstream_assets.ledger import reads as ledger
from clickstream_assets.text import count, duration, percent

CONFLICTS_SHOWN = 5


@dataclass(frozen=True)
class Facts:
    window: ledger.WindowCounts
    lifetime_rows: int  # counted up to thresholds.CONFLICTS_COUNTED
    newest: Sequence[Mapping[str, Any]]


def read(look: Look) -> Facts:
    """Rows with the id and time of a stored event but other content. The first one stands, the others are kept in
    event_conflicts."""
    rows = ledger.read_conflicts_counted(look.connection, thresholds.CONFLICTS_COUNTED)
    return Facts(look.window, rows, ledger.read_newest_conflicts(look.connection, CONFLICTS_SHOWN))


def judge(facts: Facts) -> Judgement:
    """Judged is the share of the window's rows."""
    window, limits = facts.window, thresholds.ID_CONFLICTS
    rate = window.rows_conflict / window.rows_read if window.rows_read else 0.0
    at_least = "at least " if facts.lifetime_rows >= thresholds.CONFLICTS_COUNTED else ""
    metadata: dict[str, Any] = {
        "rows": window.rows_conflict,
        "rate": float(rate),
        "rows_read": window.rows_read,
        "window": duration(window.window_seconds),
        "lifetime_rows": facts.lifetime_rows,
        "lifetime_is_exact": not at_least,
        "newest": [dict(example) for example in facts.newest],
        "warn_above": percent(limits.warn_above),
        "error_above": percent(limits.error_above),
    }
    description = (
        f"{count(window.rows_conflict)} rows of the last {duration(window.window_seconds)} had the id and time of a "
        f"stored event but other content; {at_least}{count(facts.lifetime_rows)} of all time."
    )
    return Judgement(limits.verdict(rate), description, metadata)
