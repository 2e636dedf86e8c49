"""From the ledger and the list of runs to the facts that `supervision` judges. No Dagster, no I/O.

It makes ages from moments, and tells which of the things on record are about the present holder.
"""

from __future__ import annotations

from datetime import datetime

from clickstream_assets.ledger.facts import CommittedBatch, LeaseRow
from clickstream_assets.ledger.waiting import WaitingFiles
from clickstream_assets.outages.last_words import LastWords
from clickstream_assets.outages.stream_told import NOTHING, StreamTold
from clickstream_assets.outages.stream_waits import StreamWaits
from clickstream_assets.supervision.model import Backlog, Holder, Runs, Starts, StreamFacts, StreamRun

WORDS_MARGIN = 2.0  # seconds between the clocks of the database and of a stream's host
WANTED_LIMIT = 20.0  # seconds from asking for the stream to its launch: the supervisor looks every five


def stream_facts(
    lease: LeaseRow,
    waiting: WaitingFiles,
    last_batch: CommittedBatch | None,
    *,
    lock_taken_at: datetime | None = None,
    runs: tuple[StreamRun, ...] | None = None,
    holder_run_ended_at: datetime | None = None,
    holder_run_is_known: bool = True,
    last_run_id: str | None = None,
    is_awaited: bool = False,
    told: StreamTold = NOTHING,
    read_only: str | None = None,
) -> StreamFacts:
    """The facts at the moment `lease.now`.

    Args:
        lock_taken_at: start of the session that holds the lock, where it may be seen.
        runs: of the job `spark_stream`, in flight, the oldest first; None where Dagster was not asked.
        holder_run_ended_at: end of the run that the lease names, if it has ended.
        holder_run_is_known: whether Dagster has that run; one that was deleted it has not.
        last_run_id: of the job's last run among those that streamed and have ended.
        is_awaited: the supervisor has just been started.
        told: what streams tell in files of the home.
        read_only: why nothing can be written in the database.
    """

    words = told.last_words if told.last_words and _is_of_the_last_end(told.last_words, lease) else None
    reason = _reason_of_last_end(
        lease, last_run_id if holder_run_is_known else lease.dagster_run_id, knows_runs=runs is not None
    )
    return StreamFacts(
        wanted="stopped" if lease.wanted == "stopped" else "running",
        wanted_age=_age(lease, lease.wanted_at),
        supervised_at=lease.supervised_at,
        supervised_age=_age(lease, lease.supervised_at),
        holder=Holder(
            lock_held=lease.lock_held,
            row_is_current=_row_is_current(lease, lock_taken_at),
            mode=lease.mode,
            run_id=lease.dagster_run_id,
            run_is_known=holder_run_is_known,
            run_ended=_age(lease, holder_run_ended_at),
            held_seconds=_age(lease, lease.started_at) or 0.0,
            heartbeat_age=_age(lease, lease.heartbeat_at),
            progress_age=_age(lease, lease.last_progress_at),
        ),
        runs=Runs(runs or (), known=runs is not None),
        backlog=_backlog(lease, waiting, last_batch),
        starts=Starts(
            failures=lease.failures,
            seconds_until_attempt=_seconds_until_attempt(lease),
            launched_age=_age(lease, lease.launched_at) if _is_on_its_way(lease) else None,
            is_awaited=is_awaited or _was_just_wanted(lease),
            has_run=lease.started_at is not None or last_run_id is not None or words is not None,
            last_reason=reason or (words.reason if words else None),
        ),
        waits=told.waits if told.waits is not None and _is_of_the_stream(told.waits, lease) else None,
        read_only=read_only,
    )


def _age(lease: LeaseRow, moment: datetime | None) -> float | None:
    """Seconds by the database's clock; never negative."""
    return None if moment is None else max(0.0, (lease.now - moment).total_seconds())


def _seconds_until_attempt(lease: LeaseRow) -> float:
    if lease.next_attempt_at is None:
        return 0.0
    return max(0.0, (lease.next_attempt_at - lease.now).total_seconds())


def _backlog(lease: LeaseRow, waiting: WaitingFiles, last_batch: CommittedBatch | None) -> Backlog:
    return Backlog(
        waiting.files,
        waiting.oldest_age_seconds,
        _age(lease, last_batch.committed_at) if last_batch else None,
        waiting.files_on_disk,
        waiting.look_seconds,
    )


def _is_of_the_last_end(words: LastWords, lease: LeaseRow) -> bool:
    """Whether no stream has been at work since. One that was killed leaves no words, and the ones before stay."""
    if words.epoch is not None and words.epoch != lease.epoch:
        return False
    last_sign = lease.heartbeat_at or lease.started_at
    return last_sign is None or (last_sign - words.moment).total_seconds() < WORDS_MARGIN


def _is_of_the_stream(waits: StreamWaits, lease: LeaseRow) -> bool:
    """Whether the process that waits is the one that holds the lock. Where nobody does, it may be about to."""
    return not lease.lock_held or (waits.pid, waits.host) == (lease.pid, lease.host)


def _is_on_its_way(lease: LeaseRow) -> bool:
    """Whether the run that was launched last has neither taken the lock nor ended yet, as far as the ledger tells."""
    if (
        lease.launched_at is None or lease.last_reason
    ):  # launching clears the reason: the run has ended with this one
        return False
    return lease.started_at is None or lease.started_at < lease.launched_at


def _was_just_wanted(lease: LeaseRow) -> bool:
    """Whether someone asked for the stream a moment ago and the supervisor has not launched it yet.

    However long it had been stopped, it is about to start and not dead. Launching counts a failure, until the stream
    has proved itself.
    """
    if lease.wanted_at is None or lease.failures:
        return False
    if lease.started_at is not None and lease.started_at >= lease.wanted_at:
        return False
    return 0 <= (lease.now - lease.wanted_at).total_seconds() <= WANTED_LIMIT


def _row_is_current(lease: LeaseRow, lock_taken_at: datetime | None) -> bool:
    """A new holder writes its row after taking the lock; until then the row describes its predecessor.

    One that has taken the lock again, in another session, has begun before that session; its heartbeat tells.
    """
    if lock_taken_at is None:
        return True
    has_begun_since = lease.started_at is not None and lease.started_at >= lock_taken_at
    has_beaten_since = (
        lease.released_at is None and lease.heartbeat_at is not None and lease.heartbeat_at >= lock_taken_at
    )
    return has_begun_since or has_beaten_since


def _reason_of_last_end(lease: LeaseRow, last_run_id: str | None, *, knows_runs: bool) -> str | None:
    """The reason on record, unless it is about an earlier stream than the last one.

    Launching a run and taking the lease both clear it, so that it is about the last one; only a database of an older
    release, or a reason that came late, can tell otherwise, and only to one who knows the runs.
    """
    reason = lease.last_reason
    if reason and reason.startswith("run "):
        if not knows_runs:
            return reason
        return reason if last_run_id and reason.startswith(run_name(last_run_id)) else None
    return reason if lease.released_at is not None else None


def run_name(run_id: str) -> str:
    """How reasons name a run."""
    return f"run {run_id[:8]}"
