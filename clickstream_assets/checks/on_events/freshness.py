"""The check `freshness`: the age of the oldest file that waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from clickstream_assets import thresholds
from clickstream_assets.checks.judgement import EXAMPLES_SHOWN, Judgement
from clickstream_assets.checks.look import Look
from clickstream_assets.ledger import reads as ledger
from clickstream_assets.ledger.waiting import WaitingFiles, set_aside_sentence
from clickstream_assets.outages.mounts import why_away
from clickstream_assets.text import count, duration


@dataclass(frozen=True)
class Facts:
    waiting: WaitingFiles
    newest_event_age: float | None  # seconds
    away: str | None = None  # why the events directory is empty, though it is not


def read(look: Look) -> Facts:
    """How long the oldest event file has been waiting, on disk, to become rows. An idle stream is not stale."""
    newest = ledger.read_newest_event_time(look.connection)
    age = (look.lease.now - newest).total_seconds() if newest else None
    return Facts(look.waiting, age, why_away(look.settings.home, look.settings.events_dir))


def judge(facts: Facts) -> Judgement:
    """Where nothing waits it passes; the newest event's age is shown only."""
    waiting = facts.waiting
    metadata: dict[str, Any] = {
        "oldest_waiting_seconds": float(waiting.oldest_age_seconds or 0.0),
        "files_waiting": waiting.files,
        "bytes_waiting": waiting.size_bytes,
        "waiting_files": list(waiting.oldest_paths),
        "files_on_disk": waiting.files_on_disk,
        "look_seconds": waiting.look_seconds,
        "warn_above": duration(thresholds.FRESHNESS.warn_above),
        "error_above": duration(thresholds.FRESHNESS.error_above),
    }
    if facts.newest_event_age is not None:
        metadata["newest_event_age_seconds"] = float(facts.newest_event_age)
    if facts.away:
        return Judgement("error", f"{facts.away}.", metadata)
    if waiting.unlistable:
        named = ", ".join(waiting.unlistable[:EXAMPLES_SHOWN])
        return Judgement("error", f"Below the events directory, this cannot be listed: {named}.", metadata)
    if not waiting.files:
        return Judgement("pass", "No file is waiting.", metadata)
    age = waiting.oldest_age_seconds or 0.0
    description = f"{count(waiting.files)} files are waiting, the oldest for {duration(age)}."
    if waiting.set_aside:
        metadata["cannot_be_read"] = list(waiting.set_aside_paths)
        description += f" {set_aside_sentence(waiting)}."
    return Judgement(thresholds.FRESHNESS.verdict(age), description, metadata)
