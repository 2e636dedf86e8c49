"""The status of the pipeline at one moment: its facts, and since when the stream is as it is.

The facts come from the ledger, the disk and `supervision`, whose verdict on the stream the supervisor sensor shares.
`status_text` and `status_line` lay them out for people, `status_json` for programs.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from psycopg2.extensions import connection as Connection

from clickstream_assets import thresholds
from clickstream_assets.contract import DEFAULT_SOURCE
from clickstream_assets.file_names import EventsDirectory
from clickstream_assets.fitness import why_read_only
from clickstream_assets.ledger import reads as ledger
from clickstream_assets.ledger.line_ends import without_line_end
from clickstream_assets.ledger.sources_in_force import InForce
from clickstream_assets.ledger.waiting import WaitingFiles
from clickstream_assets.ledger.waiting_by_source import read_waiting_by_source, together
from clickstream_assets.ledger.waiting_files import watch_of
from clickstream_assets.monitoring.dagster_state import DagsterState
from clickstream_assets.monitoring.source_status import SourcesStatus, read_sources_status
from clickstream_assets.outages.mounts import why_away, why_no_room
from clickstream_assets.outages.stream_told import NOTHING, read_told
from clickstream_assets.outages.stream_waits import StreamWaits
from clickstream_assets.postgres.roles import ROLE_NAMES
from clickstream_assets.sources.answering import asked
from clickstream_assets.supervision.decision import decide
from clickstream_assets.supervision.facts import stream_facts
from clickstream_assets.supervision.model import StreamDecision, StreamState


@dataclass(frozen=True)
class Status:
    """What is known at `taken_at` (the database's clock)."""

    events_dir: Path
    decision: StreamDecision
    lease: ledger.LeaseRow
    waiting: WaitingFiles
    last_batch: ledger.CommittedBatch | None
    totals: ledger.Counts
    dropped: ledger.Dropped
    window: ledger.WindowCounts
    rejects_by_reason: dict[str, int]
    latency: ledger.Latency
    newest_event_time: datetime | None
    read_only: str | None = None  # why the stream can write nothing, in one sentence
    away: str | None = None  # why the events directory is empty, in one sentence without its full stop
    archive: str | None = None  # the same: why finished files cannot be archived
    waits: StreamWaits | None = None
    dagster: DagsterState | None = None  # where its database can be read
    sources: SourcesStatus = field(default_factory=SourcesStatus)  # where there are several

    @property
    def taken_at(self) -> datetime:
        return self.lease.now

    def age(self, time: datetime | None) -> float | None:
        """Seconds from `time` to this status; never negative, clocks differ."""
        return None if time is None else max(0.0, (self.taken_at - time).total_seconds())


def read_status(
    connection: Connection,
    events: EventsDirectory,
    window_seconds: float = ledger.DEFAULT_WINDOW_SECONDS,
    *,
    is_awaited: bool = False,
    writer: str = ROLE_NAMES["writer"],
    unterminated_seconds: float = 0.0,
    dagster: DagsterState | None = None,
    home: Path | None = None,
    in_force: InForce | None = None,
    archive: Path | None = None,
) -> Status:
    """Read everything in one snapshot. The connection must be outside a transaction; a reader's is enough.

    Args:
        is_awaited: the supervisor has just been started: a stream that is not there is about to start.
        writer: the name of the role that the stream works as.
        unterminated_seconds: for so long the stream leaves a file alone whose last line has no end.
        home: where a stream says what it waits for, and where file systems were mounted.
        in_force: the sources, where there are several.
        archive: where finished files go, where they do.
    """
    watch = watch_of(connection, events)
    watch.look(new_seconds=float("inf"))
    with ledger.snapshot(connection):
        lease = ledger.read_lease(connection)
        waiting = watch.compare(connection)
        if waiting.files > waiting.registered:
            unterminated = without_line_end(events.path, waiting.oldest_paths, unterminated_seconds)
            waiting = replace(waiting, unterminated_paths=unterminated)
        sources = SourcesStatus()
        if in_force is not None:
            others = [source for source in in_force.sources if not source.is_default]
            by_source = {DEFAULT_SOURCE: waiting, **read_waiting_by_source(connection, others)}
            sources = read_sources_status(connection, in_force, by_source, window_seconds)
            waiting = together(by_source)
        last_batch = ledger.read_last_batch(connection)
        facts = stream_facts(
            lease,
            waiting,
            last_batch,
            is_awaited=is_awaited,
            told=read_told(home) if home is not None else NOTHING,
            read_only=why_read_only(connection, writer),
        )
        return Status(
            events_dir=events.path,
            decision=decide(facts),
            lease=lease,
            waiting=waiting,
            last_batch=last_batch,
            totals=ledger.read_lifetime_counts(connection),
            dropped=ledger.read_dropped(connection),
            window=ledger.read_window_counts(connection, window_seconds),
            rejects_by_reason=ledger.read_window_rejects(connection, window_seconds),
            latency=ledger.read_latency(connection, window_seconds, thresholds.LATENCY_FIRST_START_SECONDS),
            newest_event_time=ledger.read_newest_event_time(connection),
            read_only=facts.read_only,
            away=why_away(home, events.path) if home is not None else None,
            archive=_asked_about(archive, home) if archive is not None and home is not None else None,
            waits=facts.waits,
            dagster=dagster,
            sources=sources,
        )


def _asked_about(archive: Path, home: Path) -> str | None:
    """Why nothing can be archived; an archive that does not answer keeps nobody waiting for long."""
    found = asked(("archive", archive), lambda: why_no_room(home, archive) or "")
    return f"{archive} does not answer" if found is None else found or None


def state_since(status: Status) -> datetime | None:
    """Since when the stream is as it is, as far as the ledger tells; None where it never was otherwise."""
    lease = status.lease
    match status.decision.state:
        case StreamState.WAITING if status.waits is not None:
            return status.waits.since_moment
        case StreamState.IDLE:
            return status.last_batch.committed_at if status.last_batch else lease.started_at
        case StreamState.BEHIND:
            return status.waiting.oldest_landed_at
        case StreamState.STUCK:
            return lease.last_progress_at or lease.started_at
        case StreamState.RUNNING | StreamState.STARTING if lease.lock_held:
            return lease.started_at
        case StreamState.STARTING:
            moments = (lease.released_at or lease.heartbeat_at, lease.wanted_at)
            return max((moment for moment in moments if moment), default=None)
        case _:
            return lease.released_at or lease.heartbeat_at
