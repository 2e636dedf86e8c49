"""A micro-batch and its books: the chunks that it consists of, and what became of each of their records. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from spark.handover.parts import Part, RowsLost

COUNTS = ("rows_read", "rows_inserted", "rows_duplicate", "rows_rejected")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Chunk:
    """A chunk of the micro-batch, as the manifest has it."""

    seq: int
    file_id: int
    records: int


@dataclass(frozen=True)
class Batch:
    """One micro-batch of Spark: the chunks after < seq <= upto."""

    query_id: str
    spark_batch_id: int
    epoch: int
    sink: str
    after: int
    upto: int
    chunks: Sequence[Chunk]
    started_at: datetime


@dataclass
class Outcome:
    """What a commit did. Counts are rows."""

    batch_id: int = 0
    rows_read: int = 0
    rows_inserted: int = 0
    rows_duplicate: int = 0
    rows_rejected: int = 0
    rows_conflict: int = 0
    files: int = 0
    void_files: int = 0  # of which nothing was stored: they are not, or no longer, what was registered
    merge_seconds: float = 0.0
    committed_at: datetime | None = None


@dataclass
class Books:
    """Rows by file_id."""

    batch: Batch
    events: Counter[int] = field(default_factory=Counter)  # cleaned rows that are no rejects
    duplicates: Counter[int] = field(default_factory=Counter)  # of the events
    rejects: Counter[int] = field(default_factory=Counter)
    void_files: dict[int, str] = field(
        default_factory=dict
    )  # not what intake saw: the reason; they have no rows
    _times: list[int] = field(default_factory=list)  # the bounds of each part's event times, microseconds

    def add(self, part: Part) -> None:
        """Enter the rows of a part that was stored."""
        for counts, of_part in ((self.events, part.events), (self.rejects, part.rejects)):
            counts.update({file_id: n for file_id, n in of_part.items() if file_id not in self.void_files})
        self._times += [us for us in (part.min_event_us, part.max_event_us) if us is not None]

    def refuse(self, file_id: int) -> None:
        """A row that was counted as event is a reject."""
        self.events[file_id] -= 1
        self.rejects[file_id] += 1

    def check(self) -> None:
        """Every record that intake counted in a file is an event or a reject: an independent count.

        Raises:
            RowsLost: the rows of a file are not as many as intake counted.
        """
        expected: Counter[int] = Counter()
        for chunk in self.batch.chunks:
            expected[chunk.file_id] += chunk.records
        for file_id, records in expected.items():
            rows = self.events[file_id] + self.rejects[file_id]
            if file_id not in self.void_files and rows != records:
                raise RowsLost(
                    f"File {file_id}: intake counted {records} records, the batch has {rows} rows."
                )

    def close(self, outcome: Outcome) -> None:
        """Write the sums into `outcome`."""
        outcome.files = len({chunk.file_id for chunk in self.batch.chunks})
        outcome.rows_duplicate = self.duplicates.total()
        outcome.rows_inserted = self.events.total() - outcome.rows_duplicate
        outcome.rows_rejected = self.rejects.total()
        outcome.rows_read = outcome.rows_inserted + outcome.rows_duplicate + outcome.rows_rejected

    def by_file(self) -> dict[str, list[int]]:
        """The parameters of `commit.finish_files`: a list a column, an entry a file."""
        chunks = Counter(chunk.file_id for chunk in self.batch.chunks)
        files = [file_id for file_id in chunks if file_id not in self.void_files]
        return {
            "file_ids": files,
            "read": [self.events[f] + self.rejects[f] for f in files],
            "inserted": [self.events[f] - self.duplicates[f] for f in files],
            "duplicate": [self.duplicates[f] for f in files],
            "rejected": [self.rejects[f] for f in files],
            "chunks": [chunks[f] for f in files],
        }

    def ledger_row(
        self, outcome: Outcome, totals_before: Mapping[str, int], parse_seconds: float
    ) -> dict[str, Any]:
        """The parameters of `commit.insert_batch`: the batch, its outcome, and the totals over all batches with it."""
        batch = self.batch
        return {
            "batch_id": outcome.batch_id,
            "query_id": batch.query_id,
            "spark_batch_id": batch.spark_batch_id,
            "epoch": batch.epoch,
            "sink": batch.sink,
            "first_seq": batch.after + 1,
            "last_seq": batch.upto,
            "files": outcome.files,
            "started_at": batch.started_at,
            **{name: getattr(outcome, name) for name in COUNTS},
            "rows_conflict": outcome.rows_conflict,
            **{f"total_{name}": totals_before[name] + getattr(outcome, name) for name in COUNTS},
            "min_event_time": _moment(min(self._times)) if self._times else None,
            "max_event_time": _moment(max(self._times)) if self._times else None,
            "parse_seconds": parse_seconds,
            "merge_seconds": outcome.merge_seconds,
        }


def _moment(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970."""
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
