"""How the check `stream_alive` judges: from a look at the stream to pass, warn or error. Pure.

Belongs here: which state is whose worry. Does not belong here: telling the states apart (`supervision`), and how far
behind a living stream is, which `freshness` judges.
"""

from __future__ import annotations

from typing import Any

from clickstream_assets import thresholds
from clickstream_assets.checks.judgements import Judgement
from clickstream_assets.ledger.reads import Lease
from clickstream_assets.supervision.decision import StreamDecision, StreamState
from clickstream_assets.text import duration
from clickstream_assets.thresholds import Verdict


def judge_stream(decision: StreamDecision, lease: Lease) -> Judgement:
    """Judged is whether a stream is at work. One that died a moment ago is being replaced: a warning at first."""
    ended_at = lease.released_at or lease.heartbeat_at
    gone = None if lease.lock_held or ended_at is None else max(0.0, (lease.now - ended_at).total_seconds())
    metadata: dict[str, Any] = {
        "state": str(decision.state),
        "reason": decision.reason,
        "failed_starts": lease.failures,
        "epoch": lease.epoch,
        "wanted": lease.wanted,
        "error_when_dead_for_seconds": thresholds.STREAM_GONE.error_above,
    }
    if gone is not None:
        metadata["gone_for_seconds"] = float(gone)
    if lease.dagster_run_id:
        metadata["stream_run"] = lease.dagster_run_id
    if decision.state is StreamState.DEAD and gone is None:
        return Judgement("pass", "No stream has run yet.", metadata)
    since = f" for {duration(gone)}" if gone is not None and decision.state is StreamState.DEAD else ""
    return Judgement(
        _verdict(decision.state, gone or 0.0), f"{decision.state}{since}: {decision.reason}.", metadata
    )


def _verdict(state: StreamState, gone_seconds: float) -> Verdict:
    match state:
        case StreamState.STUCK | StreamState.CRASH_LOOPING:
            return "error"
        case StreamState.DEAD:
            return thresholds.STREAM_GONE.verdict(gone_seconds)
        case StreamState.STOPPED:
            return "warn"
        case _:
            return "pass"
