"""What a scrape reads: totals from the ledger, the backlog from the disk, and what is new since the last scrape.

The cost of a scrape does not grow with the history.

The ledger keeps running totals of rows, but none of latencies, reasons and conflicts. These are counted once over all
that the ledger holds, at the first scrape, and from then on only what is new is added. That misses nothing: one
writer commits, in the order of ids and of its clock. Another database begins anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from psycopg2.extensions import connection as Connection

from clickstream_assets.contract import DEFAULT_SOURCE
from clickstream_assets.file_names import EventsDirectory
from clickstream_assets.fitness import why_read_only
from clickstream_assets.ledger import reads as ledger
from clickstream_assets.ledger.sources_in_force import longest_settling, sources_in_force
from clickstream_assets.ledger.waiting import WaitingFiles
from clickstream_assets.ledger.waiting_by_source import read_waiting_by_source, together
from clickstream_assets.ledger.waiting_files import watch_of
from clickstream_assets.monitoring.source_status import SourcesStatus, read_sources_status
from clickstream_assets.outages.stream_told import read_told
from clickstream_assets.outages.stream_waits import StreamWaits, read_waits
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.postgres.roles import role_names
from clickstream_assets.sql_files import statement
from clickstream_assets.supervision.decision import decide
from clickstream_assets.supervision.facts import stream_facts
from clickstream_assets.supervision.model import StreamState

# Seconds. The service level, 1, is one of them, so that a share above it is exact.
LATENCY_BOUNDS = (0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)


@dataclass(frozen=True)
class Scraped:
    """One scrape. Times are UTC, durations in seconds."""

    totals: ledger.Counts
    rejects: dict[str, int]  # by reason
    conflicts: int
    last_batch: ledger.CommittedBatch | None
    waiting: WaitingFiles
    lease: ledger.LeaseRow
    state: StreamState
    waits: StreamWaits | None
    newest_event_age: float | None
    latency_counts: tuple[int, ...]  # a bucket each, not cumulative; the last one is above every bound
    latency_sum: float
    summaries_waiting: dict[str, float]
    sources: SourcesStatus = field(default_factory=SourcesStatus)  # where there are several
    settle_seconds: float = 0.0  # of the source whose files settle longest


@dataclass
class _Counted:
    """What was counted so far, and up to where."""

    batch_id: int = 0
    reject_id: int = 0
    committed_at: object = "-infinity"
    rejects: dict[str, int] = field(default_factory=dict)
    conflicts: int = 0
    latency_counts: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_BOUNDS) + 1))
    latency_sum: float = 0.0


class Reader:
    """Reads as the reader, with one session per scrape; remembers what was counted."""

    def __init__(self, connections: Connections, events: EventsDirectory) -> None:
        self.connections = connections
        self._settings = connections.settings
        self._events = events
        self._counted = _Counted()

    def waits(self) -> StreamWaits | None:
        """What a living stream of this home waits for, by its own words."""
        return read_waits(self.connections.settings.home)

    def read(self) -> Scraped:
        """One moment of the ledger.

        Raises:
            psycopg2.Error: the database does not answer.
            DatabaseError: there is no database yet.
        """
        with self.connections.open("reader") as connection:
            watch = watch_of(connection, self._events)
            watch.look()
            with ledger.snapshot(connection):
                lease = ledger.read_lease(connection)
                waiting = watch.compare(connection)
                last_batch = ledger.read_last_batch(connection)
                newest = ledger.read_newest_event_time(connection)
                if self._counted.batch_id > (last_batch.batch_id if last_batch else 0):
                    self._counted = _Counted()
                self._count(connection)
                with connection.cursor() as cursor:
                    cursor.execute(statement("metrics.summaries"))
                    summaries = dict(cursor.fetchall())
                sources = SourcesStatus()
                in_force = sources_in_force(connection, self._settings)
                if self._settings.sources is not None:
                    others = [source for source in in_force.sources if not source.is_default]
                    by_source = {DEFAULT_SOURCE: waiting, **read_waiting_by_source(connection, others)}
                    sources = read_sources_status(
                        connection, in_force, by_source, ledger.DEFAULT_WINDOW_SECONDS
                    )
                    waiting = together(by_source)
                writer = role_names(self.connections.settings.role_prefix)["writer"]
                facts = stream_facts(
                    lease,
                    waiting,
                    last_batch,
                    told=read_told(self.connections.settings.home),
                    read_only=why_read_only(connection, writer),
                )
                return Scraped(
                    totals=ledger.read_lifetime_counts(connection),
                    rejects=dict(self._counted.rejects),
                    conflicts=self._counted.conflicts,
                    last_batch=last_batch,
                    waiting=waiting,
                    lease=lease,
                    state=decide(facts).state,
                    waits=facts.waits,
                    newest_event_age=(lease.now - newest).total_seconds() if newest else None,
                    latency_counts=tuple(self._counted.latency_counts),
                    latency_sum=self._counted.latency_sum,
                    summaries_waiting=summaries,
                    sources=sources,
                    settle_seconds=longest_settling(in_force.sources),
                )

    def _count(self, connection: Connection) -> None:
        """Add what is new. All is read before any of it is added: an error in between counts nothing twice."""
        counted = self._counted
        bounds = [-bound for bound in reversed(LATENCY_BOUNDS)]
        with connection.cursor() as cursor:
            cursor.execute(statement("metrics.latency"), {"after": counted.committed_at, "bounds": bounds})
            latencies = cursor.fetchall()
            cursor.execute(statement("metrics.rejects"), {"after": counted.reject_id})
            rejects = cursor.fetchall()
            cursor.execute(statement("metrics.conflicts"), {"after": counted.batch_id})
            ((conflicts, batch_id),) = cursor.fetchall()
        for bucket, files, seconds, _ in latencies:
            counted.latency_counts[bucket] += files
            counted.latency_sum += seconds
        if latencies:
            counted.committed_at = max(last for *_, last in latencies)
        for reason, rows, last_id in rejects:
            counted.rejects[reason] = counted.rejects.get(reason, 0) + rows
            counted.reject_id = max(counted.reject_id, last_id)
        counted.conflicts += conflicts
        counted.batch_id = batch_id
