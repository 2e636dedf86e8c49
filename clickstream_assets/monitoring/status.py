"""The status of the pipeline at one moment, for a person and for a program.

The facts come from the ledger, the disk and `supervision`, whose verdict on the stream the supervisor sensor shares.
`status_text` lays them out for people.

Keys of `clickstream status --json`; later versions add, they do not rename. Times are ISO 8601 in UTC, `*_seconds`
are seconds, rates are shares from 0 to 1, null means that there is no such thing yet:

- `taken_at`, `events_dir`, `events_dir_away` (why it is empty: its file system is not mounted, a sentence),
  `archive_problem` (why finished files cannot be archived now, a sentence), `read_only` (why the stream can write
  nothing, a sentence)
- `database_error`: why the database cannot be reached, a sentence; most other keys are null then
- `stream`: `state` (starting, running, idle, behind, waiting, stuck, dead, crash-looping, stopped), `reason`, `since`,
  and of the lease `wanted`, `wanted_at`, `lock_held`, `mode`, `epoch`, `pid`, `host`, `dagster_run_id`,
  `spark_ui_url`, `started_at`, `heartbeat_at`, `last_progress_at`, `released_at`, `failures`, `next_attempt_at`,
  `launched_at`, `supervised_at`, `last_reason`, and `unsupervised` (that nobody watches over it, a sentence)
- `waiting`: `files`, `size_bytes`, `registered`, `oldest_landed_at`, `oldest_age_seconds`, `oldest_paths`,
  `vanished`, `vanished_paths`, `unlistable`, `files_on_disk`, `ignored` (by their names), `ignored_paths`,
  `unterminated_paths` (of the oldest: those that wait for the end of their last line), `not_looked_at` (whose size
  and age are not known yet), `look_seconds`, `set_aside` (that cannot be read at present, while the rest goes on),
  `set_aside_paths`
- `last_batch`: the columns of `ingest_batches`, and `seconds`, `age_seconds`
- `totals`: `rows_read`, `rows_inserted`, `rows_duplicate`, `rows_rejected`, `duplicate_rate`, `reject_rate`
- `retention`: `rows_dropped` (of those inserted), `partitions_dropped`, `events_from` (older ones are gone)
- `window`: the same of the last `window_seconds`, and `batches`, `rows_conflict`, `duplicate_files`,
  `rows_per_second`, `rejects_by_reason`
- `latency`: `files`, `p50_seconds`, `p95_seconds`, `p99_seconds`, `max_seconds` (landed to visible, same window;
  files that waited for the first start of the first stream left out, as the check `latency` does)
- `newest_event_time`, `newest_event_age_seconds`
- `sources`: one entry a source, empty where there is only the events directory (`source_status`), and
  `sources_fault` (why a newer version of the sources' file is not in force, a sentence)
- `dagster`: `complaints` (sensors and schedules that are off or fail, a daemon that is not heard of: sentences),
  `daemon_heartbeat_at`; null where Dagster's database cannot be read
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

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
from clickstream_assets.monitoring.source_status import SourcesStatus, read_sources_status, sources_json
from clickstream_assets.outages.mounts import why_away, why_no_room
from clickstream_assets.outages.stream_told import NOTHING, read_told
from clickstream_assets.outages.stream_waits import StreamWaits
from clickstream_assets.postgres.roles import ROLE_NAMES
from clickstream_assets.sources.answering import asked
from clickstream_assets.supervision.decision import decide
from clickstream_assets.supervision.facts import stream_facts
from clickstream_assets.supervision.model import StreamDecision, StreamState
from clickstream_assets.text import count, duration, percent

NOT_ARCHIVED = "finished files are not archived, and stay where they are"


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


def status_json(status: Status) -> dict[str, Any]:
    """The content of `--json`; see the module's docstring. Moments are still `datetime`."""
    lease = asdict(status.lease)
    now = lease.pop("now")
    del lease["lock_backend_pid"]
    batch = status.last_batch
    return {
        "taken_at": now,
        "events_dir": str(status.events_dir),
        "events_dir_away": status.away,
        "archive_problem": status.archive,
        "database_error": None,
        "read_only": status.read_only,
        "stream": {
            "state": str(status.decision.state),
            "reason": status.decision.reason,
            "unsupervised": status.decision.unsupervised,
            "since": state_since(status),
            "lock_held": status.lease.lock_held,
            **lease,
        },
        "waiting": asdict(status.waiting),
        "last_batch": asdict(batch) | {"age_seconds": status.age(batch.committed_at)} if batch else None,
        "totals": asdict(status.totals) | _rates(status.totals),
        "retention": {
            "rows_dropped": status.dropped.rows,
            "partitions_dropped": status.dropped.partitions,
            "events_from": status.dropped.events_from,
        },
        "window": asdict(status.window)
        | _rates(status.window)
        | {"rows_per_second": status.window.rows_per_second, "rejects_by_reason": status.rejects_by_reason},
        "latency": asdict(status.latency),
        "sources": sources_json(status.sources),
        "sources_fault": status.sources.fault,
        "newest_event_time": status.newest_event_time,
        "newest_event_age_seconds": status.age(status.newest_event_time),
        "dagster": {
            "complaints": list(status.dagster.complaints),
            "daemon_heartbeat_at": status.dagster.daemon_at,
        }
        if status.dagster
        else None,
    }


def _rates(counts: ledger.Counts) -> dict[str, float | None]:
    return {"duplicate_rate": counts.duplicate_rate, "reject_rate": counts.reject_rate}


def status_line(status: Status) -> str:
    """One line, for `clickstream up`."""
    window, latency = status.window, status.latency
    parts = [
        f"stream {status.decision.state}{_streamer(status)}",
        *([status.read_only.rstrip(".")] if status.read_only else []),
        *([status.away] if status.away else []),
        *([f"{NOT_ARCHIVED}: {status.archive}"] if status.archive else []),
        *([status.decision.unsupervised] if status.decision.unsupervised else []),
        *(status.dagster.complaints if status.dagster else ()),
        f"{count(status.waiting.files)} files waiting",
        f"{count(status.totals.rows_inserted - status.dropped.rows)} events stored",
        f"{window_name(status)}: duplicates {percent(window.duplicate_rate)}, "
        f"rejects {percent(window.reject_rate)}, "
        f"latency p50 {duration(latency.p50_seconds)}, p99 {duration(latency.p99_seconds)}",
    ]
    return " · ".join(parts)


def _streamer(status: Status) -> str:
    """Who streams, in brackets; nothing where nobody does."""
    lease = status.lease
    if not lease.lock_held:
        return ""
    who = (
        f"run {lease.dagster_run_id[:8]}" if lease.dagster_run_id else f"process {lease.pid} on {lease.host}"
    )
    mode = "" if lease.mode == "continuous" else f"{lease.mode}, "
    return f" ({mode}{who})"


def window_name(status: Status) -> str:
    """What the rates and the latency are of: the last hour, or another time."""
    seconds = status.window.window_seconds
    return "last hour" if seconds == ledger.DEFAULT_WINDOW_SECONDS else f"last {duration(seconds)}"
