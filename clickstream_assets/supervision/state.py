"""In which state the stream is: from the facts to one word, and to a sentence about a stream that lives. Pure."""

from __future__ import annotations

from clickstream_assets.supervision import limits
from clickstream_assets.supervision.model import StreamFacts, StreamState
from clickstream_assets.text import moment
from clickstream_assets.thresholds import BEHIND_AFTER


def living_state(facts: StreamFacts) -> tuple[StreamState, str]:
    """The state of a stream that holds the lock, and why."""
    holder, backlog = facts.holder, facts.backlog
    if facts.waits is not None:  # neither heartbeat nor progress can be noted meanwhile
        return StreamState.WAITING, facts.waits.sentence
    oldest_age = backlog.oldest_age or 0.0
    waiting = f"{backlog.files} files waiting, the oldest for {oldest_age:.0f} s"
    if (holder.heartbeat_age or 0) > limits.HEARTBEAT_LOST_AFTER:
        return StreamState.STUCK, f"alive, but without a heartbeat for {holder.heartbeat_age:.0f} s"
    since_progress = holder.held_seconds
    if holder.progress_age is not None:
        since_progress = min(since_progress, holder.progress_age)
    has_begun = since_progress < holder.held_seconds - limits.BEGUN_MARGIN
    if holder.held_seconds < 0:  # the clock was set back: what was noted since then tells
        has_begun = holder.progress_age is not None and holder.progress_age >= 0
    limit = limits.STUCK_AFTER if has_begun else limits.BEGIN_LIMIT
    if since_progress > limit and (oldest_age > limits.STUCK_AFTER or not has_begun):
        return StreamState.STUCK, f"alive, but without progress for {since_progress:.0f} s; {waiting}"
    if not has_begun:
        return StreamState.STARTING, f"has the lock since {holder.held_seconds:.0f} s, Spark is starting"
    if oldest_age > BEHIND_AFTER:
        return StreamState.BEHIND, waiting
    if not backlog.files and (backlog.commit_age is None or backlog.commit_age > limits.IDLE_AFTER):
        return StreamState.IDLE, "nothing is waiting"
    # No numbers: a sentence that is true for as long as the state lasts need not be told again.
    return StreamState.RUNNING, f"no file waits for longer than {BEHIND_AFTER:.0f} s"


def absent_state(facts: StreamFacts) -> StreamState:
    """The state of a stream that nobody holds the lock of."""
    if facts.waits is not None:
        return StreamState.WAITING
    if facts.wanted == "stopped":
        return StreamState.STOPPED
    is_launched = was_just_launched(facts)
    # The start in flight was counted when it was launched, and has not failed yet.
    if facts.starts.failures - (bool(facts.runs.in_flight) or is_launched) >= limits.CRASH_LOOP_FAILURES:
        return StreamState.CRASH_LOOPING
    is_coming = any(
        run.run_id != facts.holder.run_id and run.phase != "canceling" and not run.worker_is_gone
        for run in facts.runs.in_flight
    )
    is_coming = is_coming or is_launched or (facts.starts.is_awaited and not facts.runs.known)
    return StreamState.STARTING if is_coming else StreamState.DEAD


def state_of(facts: StreamFacts) -> StreamState:
    """The state of a stream, whoever holds the lock."""
    return living_state(facts)[0] if facts.holder.lock_held else absent_state(facts)


def why_not_here(facts: StreamFacts) -> str:
    """Why nobody streams, or what the one waits for who would."""
    if facts.waits is not None:
        return f"{facts.waits.who} {facts.waits.sentence}"
    return "stopped on purpose" if facts.wanted == "stopped" else why_absent(facts)


def why_absent(facts: StreamFacts) -> str:
    """How the last one ended."""
    if not facts.starts.has_run:
        return "no stream has run yet"
    return f"the last one ended: {facts.starts.last_reason or 'it left no word, its process was killed'}"


def unsupervised(facts: StreamFacts) -> str | None:
    """That nobody watches over the stream, as a clause; None while the supervisor looks, and before it ever has."""
    if (
        facts.supervised_at is None or facts.starts.is_awaited or facts.read_only
    ):  # where no look can be noted
        return None
    if (facts.supervised_age or 0) <= limits.UNSUPERVISED_AFTER:
        return None
    return f"the supervisor has not looked since {moment(facts.supervised_at)}"


def was_just_launched(facts: StreamFacts) -> bool:
    """For one who does not know the runs: whether one is on its way, as far as the ledger tells."""
    age = facts.starts.launched_age
    return not facts.runs.known and age is not None and age <= limits.start_limit(facts.starts.failures)
