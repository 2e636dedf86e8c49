"""What is shown and not so: the judgement of the witness. Pure.

Something shown that is not so is a lie once it has lasted for LIE_AFTER.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from clickstream_assets.monitoring.dagster_state import DAEMON_SILENT_AFTER
from clickstream_assets.supervision.model import StreamState

LIE_AFTER = 60.0  # seconds
SECOND_STREAM_AFTER = (
    20.0  # seconds that two drivers may be seen: one that is refused the lease ends by itself
)
ALIVE = (StreamState.RUNNING, StreamState.IDLE, StreamState.BEHIND)
GONE = (StreamState.DEAD, StreamState.STUCK, StreamState.CRASH_LOOPING)
# What the machine's speed decides, and what the injected rows do, is judged elsewhere.
JUDGED_CHECKS = ("stream_alive", "freshness", "conservation")
SWITCHED = (
    "event_check_results",
    "spark_stream_supervisor",
    "ingest_progress",
    "refresh_summaries",
    "alerts",
)


@dataclass(frozen=True)
class Shown:
    """What is shown at one moment. `checks`: by name the evaluation, or None where there is no result."""

    state: StreamState
    lock_held: bool = True
    complaints: tuple[str, ...] = ()
    checks: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Truth:
    """What is so: drivers that live, seconds that the oldest file has been waiting, what the hammer has done."""

    drivers: int
    oldest_waiting: float = 0.0
    off: frozenset[str] = frozenset()
    frozen_seconds: float | None = None  # since the daemon was stopped
    is_loading: bool = True  # rows come in, and have for a while
    off_seconds: Mapping[str, float] = field(default_factory=dict)  # by sensor


def wrong(shown: Shown, truth: Truth) -> Iterator[tuple[str, float]]:
    """What is shown and not so, with the seconds that it may be."""
    if truth.drivers > 1:
        yield "there are two streams", SECOND_STREAM_AFTER
    if shown.state in ALIVE and not truth.drivers:
        yield f"the status says {shown.state}, and no driver lives", LIE_AFTER
    if shown.state in GONE and truth.drivers and shown.lock_held:
        yield f"the status says {shown.state}, and a driver streams", LIE_AFTER
    yield from _about_what_is_off(" ".join(shown.complaints), truth)
    if "event_check_results" not in truth.off and truth.frozen_seconds is None:
        for name in JUDGED_CHECKS:
            yield from _about_check(name, shown.checks.get(name), shown, truth)


def _about_what_is_off(said: str, truth: Truth) -> Iterator[tuple[str, float]]:
    for name in SWITCHED:
        is_named = f"{name} is switched off" in said
        if is_named != (name in truth.off):
            yield f"{name} is {'' if is_named else 'not '}said to be off, wrongly", LIE_AFTER
    is_named = "daemon has not been heard of" in said
    if not is_named and (truth.frozen_seconds or 0.0) > DAEMON_SILENT_AFTER:
        yield "nothing says that the daemon is silent", LIE_AFTER
    if is_named and truth.frozen_seconds is None:
        yield "the daemon is said to be silent, and is not", LIE_AFTER


def _about_check(
    name: str, evaluation: Mapping[str, Any] | None, shown: Shown, truth: Truth
) -> Iterator[tuple[str, float]]:
    is_well = truth.drivers == 1 and shown.state in ALIVE and truth.oldest_waiting < LIE_AFTER
    if evaluation is None:
        yield f"the check {name} is shown without a result", LIE_AFTER
    elif not evaluation["success"]:
        if is_well and evaluation["severity"] == "ERROR":
            yield f"the check {name} is red, and all is well", LIE_AFTER
    elif name == "freshness" and truth.oldest_waiting > 2 * LIE_AFTER:
        yield "the check freshness is green, and a file waits", LIE_AFTER
    elif name == "stream_alive" and not truth.drivers and shown.state is not StreamState.STARTING:
        yield "the check stream_alive is green, and no driver lives", LIE_AFTER
