"""The check `latency`: from a file's rename to its rows being visible, against the service level."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any

from clickstream_assets import thresholds
from clickstream_assets.checks.judgement import Judgement
from clickstream_assets.checks.look import Look
from clickstream_assets.ledger import reads as ledger
from clickstream_assets.ledger.sources_in_force import longest_settling
from clickstream_assets.text import count, duration


@dataclass(frozen=True)
class Facts:
    latency: ledger.Latency
    window_seconds: float
    service_level: float  # seconds: the promised p99 …
    settle_seconds: float = 0.0  # … after a file must not have changed for so long


def read(look: Look) -> Facts:
    """How long the files of the last minutes took from their rename to visible rows, against the service level."""
    window = thresholds.LATENCY_WINDOW_SECONDS
    latency = ledger.read_latency(look.connection, window, thresholds.LATENCY_FIRST_START_SECONDS)
    settle = longest_settling(look.in_force.sources)
    return Facts(latency, window, look.settings.latency_p99_seconds, settle)


def judge(facts: Facts) -> Judgement:
    """Judged is the 99th percentile. Slow is not wrong: it never fails."""
    latency = facts.latency
    limits = thresholds.Limits(facts.service_level + facts.settle_seconds, inf)
    metadata: dict[str, Any] = {
        "files": latency.files,
        "window": duration(facts.window_seconds),
        "warn_above": duration(limits.warn_above),
    }
    span = duration(facts.window_seconds)
    if latency.p50_seconds is None or latency.p95_seconds is None or latency.p99_seconds is None:
        return Judgement("pass", f"No file became visible in the last {span}.", metadata)
    metadata |= {
        "p50_seconds": float(latency.p50_seconds),
        "p95_seconds": float(latency.p95_seconds),
        "p99_seconds": float(latency.p99_seconds),
        "max_seconds": float(latency.max_seconds or 0.0),
    }
    waits = f", of which a file waits {duration(facts.settle_seconds)} until it is read"
    description = (
        f"p50 {duration(latency.p50_seconds)}, p95 {duration(latency.p95_seconds)}, "
        f"p99 {duration(latency.p99_seconds)} from rename to visible, over the {count(latency.files)} files of the "
        f"last {span}; wanted are {duration(limits.warn_above)}{waits if facts.settle_seconds else ''}."
    )
    return Judgement(limits.verdict(latency.p99_seconds), description, metadata)
