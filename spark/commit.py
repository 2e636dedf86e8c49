"""The commit: staged parts of one micro-batch become rows of events, rejects and the ledger, in one transaction.

Steps: check the lease; take the next batch id; for each part drop the rows of files that changed, merge, find
duplicates and conflicts; check the books against what intake counted; write the ledger; delete the chunks; commit.

Safety properties:
- Nothing else writes `events`, and nothing of a batch is visible before all of it is.
- A writer that lost the lease cannot commit: its epoch is locked while it works.
- Rows that got lost between Spark and PostgreSQL stop the batch; they never make it smaller in silence.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from clickstream_assets.database import query
from spark.lease import LeaseLost
from spark.staging import Part, RowsLost

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
    void_files: dict[int, str] = field(default_factory=dict)
    merge_seconds: float = 0.0


class BatchCommit:
    """The transaction of one micro-batch: `begin`, `merge` each part in order, `finish`; or `roll_back`."""

    def __init__(self, connection: Connection, batch: Batch) -> None:
        self._connection = connection
        self._batch = batch
        self._events: Counter[int] = Counter()
        self._duplicates: Counter[int] = Counter()
        self._rejects: Counter[int] = Counter()
        self._times: list[int] = []
        self._totals = (0, 0, 0, 0)
        self.merged_tokens: list[str] = []
        self.outcome = Outcome()

    def begin(self) -> None:
        """Lock the lease's epoch and take the next batch id.

        Raises:
            LeaseLost: another stream took over.
        """
        with self._connection.cursor() as cursor:
            cursor.execute(query("check_lease_epoch"), {"epoch": self._batch.epoch})
            if cursor.fetchone() is None:
                raise LeaseLost("another stream holds the lease")
            cursor.execute(query("last_batch_totals"))
            last = cursor.fetchone()
        if last is not None:
            self.outcome.batch_id, self._totals = last[0], tuple(last[1:])
        self.outcome.batch_id += 1

    def merge(self, part: Part) -> None:
        """Merge the staged rows of one part, and drop its tables.

        Raises:
            RowsLost: the tables do not hold what was put there.
        """
        started = time.monotonic()
        self.merged_tokens.append(part.token)
        self.outcome.void_files |= part.void_files
        names = {"events": sql.Identifier(*part.events_table), "rejects": sql.Identifier(*part.rejects_table)}
        with self._connection.cursor() as cursor:
            if part.void_files:
                self._check_staged(cursor, part, names)
                self._drop_void_files(cursor, part, names)
            if part.events:
                cursor.execute(query("ensure_partitions"), {"months": part.months})
                self._merge_events(cursor, part, names)
            if part.rejects:
                _run(cursor, "merge_rejects", names, batch_id=self.outcome.batch_id)
                if cursor.rowcount != part.rejects:
                    self._check_staged(cursor, part, names)
            if part.own_tables:
                tables = {
                    "events": sql.Identifier(part.events_table[1]),
                    "rejects": sql.Identifier(part.rejects_table[1]),
                }
                cursor.execute(sql.SQL(query("drop_part")).format(**tables))
        self._events.update(part.events_by_file)
        self._rejects.update(part.rejects_by_file)
        self._times += [us for us in (part.min_event_us, part.max_event_us) if us is not None]
        self.outcome.merge_seconds += time.monotonic() - started

    def finish(self, parse_seconds: float) -> Outcome:
        """Check the books, write the ledger, delete the chunks, commit.

        Raises:
            RowsLost: the rows of a file are not as many as intake counted.
        """
        started = time.monotonic()
        batch, outcome = self._batch, self.outcome
        self._check_books()
        with self._connection.cursor() as cursor:
            self._finish_files(cursor)
            outcome.rows_inserted = sum(self._events.values()) - sum(self._duplicates.values())
            outcome.rows_duplicate = sum(self._duplicates.values())
            outcome.rows_rejected = sum(self._rejects.values())
            outcome.rows_read = outcome.rows_inserted + outcome.rows_duplicate + outcome.rows_rejected
            outcome.merge_seconds += time.monotonic() - started
            cursor.execute(query("insert_batch"), self._ledger_row(parse_seconds))
            cursor.execute(query("delete_chunks"), {"after": batch.after, "upto": batch.upto})
            cursor.execute(query("notify_batch"), {"batch_id": outcome.batch_id})
        self._connection.commit()
        return outcome

    def again(self) -> BatchCommit:
        """A new transaction for the same micro-batch."""
        return BatchCommit(self._connection, self._batch)

    def roll_back(self) -> None:
        """Undo all of it. The staged tables are there again."""
        self._connection.rollback()

    def _check_staged(self, cursor: Cursor, part: Part, names: dict[str, sql.Identifier]) -> None:
        cursor.execute(sql.SQL(query("count_part")).format(**names))
        found = cursor.fetchone()
        if found != (part.events, part.rejects):
            raise RowsLost(f"{part.events} events and {part.rejects} rejects were staged, {found} are there.")

    def _drop_void_files(self, cursor: Cursor, part: Part, names: dict[str, sql.Identifier]) -> None:
        for name in ("void_part_events", "void_part_rejects"):
            _run(cursor, name, names, files=list(part.void_files))
        for counts in (part.events_by_file, part.rejects_by_file):
            for file_id in part.void_files:
                counts.pop(file_id, None)
        part.events = sum(part.events_by_file.values())
        part.rejects = sum(part.rejects_by_file.values())

    def _merge_events(self, cursor: Cursor, part: Part, names: dict[str, sql.Identifier]) -> None:
        cursor.execute(query("next_event_id"))
        (last_id,) = cursor.fetchone() or (0,)
        rows = names["events"] if part.sorted_by_id else sql.SQL(query("events_in_order")).format(**names)
        _run(cursor, "merge_events", {"rows": rows}, batch_id=self.outcome.batch_id)
        if cursor.rowcount == part.events:
            return  # so none was lost either: counting the staged rows takes as long as inserting a tenth of them
        self._check_staged(cursor, part, names)
        # Estimates for tables this young are worthless: say which join is right, by hand.
        cursor.execute("SET LOCAL enable_nestloop = off")
        _run(cursor, "find_duplicates", names, last_id=last_id)
        cursor.execute(query("count_duplicates"))
        self._duplicates.update(dict(cursor.fetchall()))
        cursor.execute(
            "SET LOCAL enable_nestloop = on; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"
        )
        cursor.execute(query("insert_conflicts"), {"batch_id": self.outcome.batch_id})
        self.outcome.rows_conflict += cursor.rowcount
        cursor.execute("SET LOCAL enable_hashjoin = on; SET LOCAL enable_mergejoin = on")
        cursor.execute(query("forget_duplicates"))

    def _check_books(self) -> None:
        """Every record that intake counted in a file is an event or a reject: an independent count."""
        expected: Counter[int] = Counter()
        for chunk in self._batch.chunks:
            expected[chunk.file_id] += chunk.records
        for file_id, records in expected.items():
            rows = self._events[file_id] + self._rejects[file_id]
            if file_id not in self.outcome.void_files and rows != records:
                raise RowsLost(
                    f"File {file_id}: intake counted {records} records, the batch has {rows} rows."
                )

    def _finish_files(self, cursor: Cursor) -> None:
        chunks = Counter(chunk.file_id for chunk in self._batch.chunks)
        self.outcome.files = len(chunks)
        void = self.outcome.void_files
        files = [file_id for file_id in chunks if file_id not in void]
        cursor.execute(
            query("finish_files"),
            {
                "file_ids": files,
                "read": [self._events[f] + self._rejects[f] for f in files],
                "inserted": [self._events[f] - self._duplicates[f] for f in files],
                "duplicate": [self._duplicates[f] for f in files],
                "rejected": [self._rejects[f] for f in files],
                "chunks": [chunks[f] for f in files],
            },
        )
        if void:
            cursor.execute(query("void_files"), {"file_ids": list(void), "reasons": list(void.values())})
            cursor.execute(query("delete_void_chunks"), {"file_ids": list(void)})

    def _ledger_row(self, parse_seconds: float) -> dict[str, Any]:
        batch, outcome = self._batch, self.outcome
        counts = [getattr(outcome, name) for name in COUNTS]
        totals = {
            f"total_{name}": total + n for name, total, n in zip(COUNTS, self._totals, counts, strict=True)
        }
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
            **dict(zip(COUNTS, counts, strict=True)),
            "rows_conflict": outcome.rows_conflict,
            **totals,
            "min_event_time": _moment(min(self._times)) if self._times else None,
            "max_event_time": _moment(max(self._times)) if self._times else None,
            "parse_seconds": parse_seconds,
            "merge_seconds": outcome.merge_seconds,
        }


def _run(cursor: Cursor, name: str, names: Mapping[str, sql.Composable], **values: Any) -> None:
    cursor.execute(sql.SQL(query(name)).format(**names), values)


def _moment(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds)
