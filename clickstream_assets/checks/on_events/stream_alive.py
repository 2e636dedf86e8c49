"""The check `stream_alive`: whether a stream is at work. How far behind a living one is, `freshness` judges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from clickstream_assets import thresholds
from clickstream_assets.checks.judgement import Judgement
from clickstream_assets.checks.look import Look
from clickstream_assets.fitness import why_read_only
from clickstream_assets.ledger import reads as ledger
from clickstream_assets.outages.stream_told import read_told
from clickstream_assets.outages.stream_waits import StreamWaits
from clickstream_assets.postgres.roles import role_names
from clickstream_assets.supervision.decision import decide
from clickstream_assets.supervision.facts import stream_facts
from clickstream_assets.supervision.model import StreamDecision, StreamState
from clickstream_assets.text import duration
from clickstream_assets.thresholds import Verdict, worst


@dataclass(frozen=True)
class Facts:
    decision: StreamDecision
    lease: ledger.LeaseRow
    waits: StreamWaits | None = None


def read(look: Look) -> Facts:
    """Whether a stream is at work: red where it is stuck, keeps failing, waits for its database or its directory, or is
    gone, for longer than a restart takes."""
    batch = ledger.read_last_batch(look.connection)
    facts = stream_facts(
        look.lease,
        look.waiting,
        batch,
        is_awaited=look.is_awaited,
        told=read_told(look.settings.home),
        read_only=why_read_only(look.connection, role_names(look.settings.role_prefix)["writer"]),
    )
    return Facts(decide(facts), look.lease, facts.waits)


def judge(facts: Facts) -> Judgement:
    """A stream that died a moment ago is being replaced: a warning at first."""
    decision, lease = facts.decision, facts.lease
    ended_at = lease.released_at or lease.heartbeat_at
    gone = None if lease.lock_held or ended_at is None else max(0.0, (lease.now - ended_at).total_seconds())
    metadata: dict[str, Any] = {
        "state": str(decision.state),
        "reason": decision.reason,
        "failed_starts": lease.failures,
        "epoch": lease.epoch,
        "wanted": lease.wanted,
        "error_when_dead_for": duration(thresholds.STREAM_GONE.error_above),
    }
    if gone is not None:
        metadata["gone_for_seconds"] = float(gone)
    if lease.dagster_run_id:
        metadata["stream_run"] = lease.dagster_run_id
    watched = ""
    if decision.unsupervised:
        metadata["unsupervised"] = decision.unsupervised
        watched = f" Nobody watches over it: {decision.unsupervised}."
    if decision.state is StreamState.DEAD and gone is None:
        return Judgement("pass", "No stream has run yet.", metadata)
    since = f" for {duration(gone)}" if gone is not None and decision.state is StreamState.DEAD else ""
    description = f"{decision.state}{since}: {decision.reason}.{watched}"
    lasted = gone or 0.0
    if facts.waits is not None and decision.state is StreamState.WAITING:
        lasted = max(0.0, lease.now.timestamp() - facts.waits.since)
        metadata["waits_for_seconds"] = lasted
    verdict = worst(_verdict(decision.state, lasted), "warn" if watched else "pass")
    return Judgement(verdict, description, metadata)


def _verdict(state: StreamState, seconds: float) -> Verdict:
    match state:
        case StreamState.STUCK | StreamState.CRASH_LOOPING:
            return "error"
        case StreamState.DEAD:
            return thresholds.STREAM_GONE.verdict(seconds)
        case StreamState.WAITING:
            return thresholds.STREAM_WAITS.verdict(seconds)
        case StreamState.STOPPED:
            return "warn"
        case _:
            return "pass"
