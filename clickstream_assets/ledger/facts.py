"""What the ledger says: the shapes of what `reads` gives, column by column as its statements have them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class LeaseRow:
    """Who streams, by the lease row and by the lock. Times are UTC; `now` is the database's clock."""

    epoch: int
    mode: str | None  # continuous or catch-up; null before the first stream
    dagster_run_id: str | None
    pid: int | None
    host: str | None
    spark_ui_url: str | None
    started_at: datetime | None
    heartbeat_at: datetime | None
    last_progress_at: datetime | None
    released_at: datetime | None  # a clean end; null while held and after a crash
    wanted: str  # running or stopped
    wanted_at: datetime | None  # when someone last said what is wanted; null where nobody ever did
    failures: int
    next_attempt_at: datetime | None
    launched_at: datetime | None  # when the supervisor last launched a run of the stream
    supervised_at: datetime | None  # when it last looked
    last_reason: str | None
    lock_backend_pid: int | None  # the server process whose session holds the lock
    now: datetime

    @property
    def lock_held(self) -> bool:
        """Whether a living session holds the stream's advisory lock: the proof that a stream lives."""
        return self.lock_backend_pid is not None


@dataclass(frozen=True)
class Counts:
    """Rows of files or batches. A row is a data record; `read` is the sum of the other three."""

    rows_read: int
    rows_inserted: int
    rows_duplicate: int
    rows_rejected: int

    @property
    def duplicate_rate(self) -> float | None:
        """Duplicates as a share (0 to 1) of the rows read; None if none was read."""
        return self.rows_duplicate / self.rows_read if self.rows_read else None

    @property
    def reject_rate(self) -> float | None:
        """Rejects as a share (0 to 1) of the rows read; None if none was read."""
        return self.rows_rejected / self.rows_read if self.rows_read else None


@dataclass(frozen=True)
class WindowCounts(Counts):
    """What was committed in the last `window_seconds`."""

    batches: int
    rows_conflict: int  # of the duplicates: same id and time, other content
    duplicate_files: int  # delivered again whole; their rows are in rows_duplicate
    window_seconds: float

    @property
    def rows_per_second(self) -> float:
        return self.rows_read / self.window_seconds


@dataclass(frozen=True)
class Latency:
    """Seconds from a file's landing to its rows being visible, over `files`; None where there are none."""

    files: int
    p50_seconds: float | None
    p95_seconds: float | None
    p99_seconds: float | None
    max_seconds: float | None


@dataclass(frozen=True)
class CommittedBatch(Counts):
    """One committed micro-batch; `seconds` from its start to its commit."""

    batch_id: int
    spark_batch_id: int
    epoch: int
    sink: str
    files: int
    started_at: datetime
    committed_at: datetime
    rows_conflict: int
    min_event_time: datetime | None
    max_event_time: datetime | None
    parse_seconds: float
    merge_seconds: float
    seconds: float


@dataclass(frozen=True)
class BatchesSince(Counts):
    """The batches after a given one, summed. With `batches == 0` the ids and times are None."""

    batches: int
    first_batch_id: int | None
    last_batch_id: int | None
    files: int  # a file in several batches counts in each
    rows_conflict: int
    min_event_time: datetime | None
    max_event_time: datetime | None
    last_committed_at: datetime | None
    seconds: float  # spent in these batches


@dataclass(frozen=True)
class FilesSince:
    """The deliveries registered after a given one. With `files == 0` the id and time are None."""

    files: int
    last_file_id: int | None
    size_bytes: int
    rows_expected: int
    duplicate_files: int
    rejected_files: int
    last_landed_at: datetime | None


@dataclass(frozen=True)
class Dropped:
    """What retention dropped from `events`; rows counted as inserted before. `events_from`: older ones are gone."""

    rows: int
    partitions: int
    events_from: datetime | None
