"""The commit: parts of one micro-batch become rows of events, rejects and the ledger, in one transaction.

Steps: check the lease; take the next batch id; store each part; merge what may be duplicates; make rejects of what
PostgreSQL refused; check the books against what intake counted; write the ledger; delete the chunks; commit.

Safety properties:
- Nothing else writes `events`, and nothing of a batch is visible before all of it is.
- A writer that lost the lease cannot commit: its epoch is locked while it works.
- Rows that got lost between Spark and PostgreSQL stop the batch; they never make it smaller in silence.
- A file that is not what intake saw has no row in the batch: what was stored of it is undone, with all the rest,
  and the batch is stored once more without it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from clickstream_assets.sql_files import statement
from spark.cleaning.columns import EVENT_COLUMNS, REJECT_COLUMNS
from spark.content.errors import ContentChanged
from spark.handover.encoding import encoded_rejects
from spark.handover.parts import Part, RowsLost
from spark.handover.spool import Spool
from spark.handover.staging import StagingTables, Table, column_list, drop_tables, unnested
from spark.lease import LeaseLost
from spark.reading.flags import Flag
from spark.sink.books import COUNTS, Batch, Books, Outcome
from spark.sink.copy_in import copy_rejects, copy_sheet
from spark.sink.evidence import Evidence
from spark.sink.known_keys import KnownKeys
from spark.sink.merge import Merge
from spark.sink.plain_insert import PlainInsert
from spark.sink.refusals import by_file
from spark.sink.suspects import SUSPECTS, Suspects
from spark.source.chunks import ChunkToRead

log = logging.getLogger("clickstream.sink")


class FilesChanged(Exception):
    """Files turned out to be others than intake saw: nothing of them may be stored."""

    def __init__(self, files: Mapping[int, str]) -> None:
        super().__init__(f"{len(files)} file(s) changed")
        self.files = dict(files)


class BatchCommit:
    """The transaction of one micro-batch: `begin`, store each part in order, `finish`; or `roll_back`."""

    def __init__(
        self,
        connection: Connection,
        batch: Batch,
        known: KnownKeys,
        evidence: Evidence,
        plain: PlainInsert,
        void_files: Mapping[int, str] | None = None,
    ) -> None:
        self._connection = connection
        self._cursor: Cursor = connection.cursor()
        self._batch = batch
        self._known = known
        self._evidence = evidence
        self._plain = plain  # handed on to the next attempt
        self._books = Books(batch, void_files=dict(void_files or {}))
        self._totals = dict.fromkeys(COUNTS, 0)
        self._suspects = Suspects(self._cursor)  # they wait for the end
        self._months: set[str] = set()  # that have a partition
        self.stored_tokens: list[str] = []
        self.outcome = Outcome()
        self._merge = Merge(self._cursor, self._books, self.outcome, plain)

    @property
    def void_files(self) -> dict[int, str]:
        """The files of which nothing is stored: flags by file_id."""
        return self._books.void_files

    def begin(self) -> None:
        """Lock the lease's epoch and take the next batch id.

        Raises:
            LeaseLost: another stream took over.
            RowsLost: the manifest no longer has the chunks of this micro-batch.
        """
        cursor = self._cursor
        cursor.execute(statement("lease.check_epoch"), {"epoch": self._batch.epoch})
        if cursor.fetchone() is None:
            raise LeaseLost("another stream holds the lease")
        cursor.execute(statement("chunks.of_batch"), {"after": self._batch.after, "upto": self._batch.upto})
        if [row[0] for row in cursor.fetchall()] != [chunk.seq for chunk in self._batch.chunks]:
            raise RowsLost("Chunks of this micro-batch were committed by another one.")
        cursor.execute(statement("commit.last_totals"))
        if (last := cursor.fetchone()) is not None:
            self.outcome.batch_id, self._totals = last[0], dict(zip(COUNTS, last[1:], strict=True))
        self.outcome.batch_id += 1
        # What a deferred trigger or constraint of somebody's refuses is to be known at the row, not at the commit.
        cursor.execute(statement("commit.constraints_immediate"))

    def store_spooled(self, part: Part, spool: Spool) -> None:
        """Store a part whose rows are in the spool.

        Raises:
            RowsLost: the spool does not hold what the task reported.
            FilesChanged: the part says that files are not what intake saw.
        """
        started = time.monotonic()
        self._begin_part(part)
        void = frozenset(self._books.void_files)
        # The source foretold the id; a stream that goes on after a crash may find another one.
        batch_id = self.outcome.batch_id if part.batch_id != self.outcome.batch_id else None
        rows = 0
        for sheet in spool.batches(part, "events"):
            rows += len(sheet)
            copy_sheet(self._cursor, sheet, self._known, self._suspects, void, batch_id)
        rejects = 0
        for batch in spool.batches(part, "rejects"):
            rejects += len(batch)
            copy_rejects(self._cursor, batch["row"], void, batch_id)
        if (rows, rejects) != (part.event_rows, part.reject_rows):
            raise RowsLost(
                f"{part.event_rows} events and {part.reject_rows} rejects were spooled, {rows} and {rejects} are there."
            )
        self.outcome.merge_seconds += time.monotonic() - started

    def store_staged(self, part: Part, tables: StagingTables, *, drop: bool = True) -> None:
        """Store a part whose rows are in staging tables; with `drop` these go.

        Raises:
            RowsLost: the tables do not hold what was put there.
            FilesChanged: the part says that files are not what intake saw.
        """
        started = time.monotonic()
        self._begin_part(part)
        if part.events:
            staged = self._merge.staged(tables.events)
            if staged.total() != self._expected(part.events):
                raise RowsLost(f"{part.event_rows} events were staged, {staged.total()} are there.")
            columns = column_list(EVENT_COLUMNS)
            if not self._merge.inserted_plainly(
                "merge.insert_new", tables.events, staged.total(), columns=columns
            ):
                self._merge.merge(tables.events, staged)
        if part.rejects:
            self._merge.run("merge.rejects", tables.rejects, columns=column_list(REJECT_COLUMNS))
            self._require(self._expected(part.rejects), "rejects")
        if drop:
            drop_tables(self._cursor, tables)
        self.outcome.merge_seconds += time.monotonic() - started

    def store_blocks(self, part: Part, blocks: Table) -> None:
        """Store a part whose rows are in blocks (`handover.row_blocks`), with those of other parts.

        Raises:
            RowsLost: the table does not hold what was put there.
            FilesChanged: the part says that files are not what intake saw.
        """
        started = time.monotonic()
        self._begin_part(part)
        events, rejects = self._expected(part.events), self._expected(part.rejects)
        values = {
            "columns": column_list(EVENT_COLUMNS),
            "values": unnested(EVENT_COLUMNS),
            "token": part.token,
        }
        if events and not self._merge.inserted_plainly("merge.insert_blocks", blocks, events, **values):
            self._merge.run("merge.suspect_blocks", blocks, **values)
            self._suspects.note(self._cursor.rowcount)
            self._require(events, "events")
        if rejects:
            self._merge.run("merge.reject_blocks", blocks, token=part.token)
            self._require(rejects, "rejects")
        self.outcome.merge_seconds += time.monotonic() - started

    def finish(self, parse_seconds: float) -> Outcome:
        """Merge what waits, check the books, write the ledger, delete the chunks, commit.

        Raises:
            RowsLost: the rows of a file are not as many as intake counted.
            FilesChanged: a file with a row that PostgreSQL refused is not what intake saw.
        """
        started = time.monotonic()
        batch, outcome, cursor = self._batch, self.outcome, self._cursor
        if len(self._suspects):
            self._suspects.flush()
            self._merge.merge(SUSPECTS, self._merge.staged(SUSPECTS))
        self._reject_refused()
        self._books.check()
        self._books.close(outcome)
        cursor.execute(statement("commit.finish_files"), self._books.by_file())
        outcome.void_files = len(self._books.void_files)
        if void := self._books.void_files:
            cursor.execute(
                statement("commit.void_files"), {"file_ids": list(void), "reasons": list(void.values())}
            )
            cursor.execute(statement("chunks.delete_void"), {"file_ids": list(void)})
        outcome.merge_seconds += time.monotonic() - started
        cursor.execute(
            statement("commit.insert_batch"), self._books.ledger_row(outcome, self._totals, parse_seconds)
        )
        ((outcome.committed_at,),) = cursor.fetchall()
        cursor.execute(statement("commit.count_committed"), {"batch_id": outcome.batch_id})
        cursor.execute(statement("chunks.delete"), {"after": batch.after, "upto": batch.upto})
        cursor.execute(statement("commit.notify"), {"batch_id": outcome.batch_id})
        self._connection.commit()
        return outcome

    def again(self, void_files: Mapping[int, str] | None = None) -> BatchCommit:
        """Undo all of it, and begin a new transaction for the same micro-batch. What was staged is there again."""
        self._connection.rollback()
        void = self._books.void_files | dict(void_files or {})
        commit = BatchCommit(self._connection, self._batch, self._known, self._evidence, self._plain, void)
        commit.begin()
        return commit

    def _begin_part(self, part: Part) -> None:
        if not part.void_files.keys() <= self._books.void_files.keys():
            raise FilesChanged(part.void_files)
        self.stored_tokens.append(part.token)
        self._books.add(part)
        if not self._months.issuperset(part.months):
            self._ensure_partitions(part.months)
            self._months.update(part.months)

    def _ensure_partitions(self, months: Sequence[str]) -> None:
        cursor = self._cursor
        cursor.execute(statement("savepoint.set"))
        try:
            cursor.execute(statement("commit.ensure_partitions"), {"months": list(months)})
        except psycopg2.errors.RaiseException as error:
            # Retention dropped a month meanwhile: its rows are refused one by one.
            log.warning("%s", error.diag.message_primary)
            cursor.execute(statement("savepoint.undo"))
        else:
            cursor.execute(statement("savepoint.release"))

    def _expected(self, rows_by_file: Mapping[int, int]) -> int:
        return sum(rows for file_id, rows in rows_by_file.items() if file_id not in self._books.void_files)

    def _require(self, rows: int, what: str) -> None:
        """Raises RowsLost, unless the last statement stored so many rows."""
        if self._cursor.rowcount != rows:
            raise RowsLost(f"{rows} {what} were staged, {self._cursor.rowcount} were stored.")

    def _reject_refused(self) -> None:
        changed: dict[int, str] = {}
        for file_id, lines in by_file(self._merge.refused).items():
            chunks = [chunk for chunk in self._chunks() if chunk.file_id == file_id]
            try:
                rejects = self._evidence.rejects(chunks, lines)
            except ContentChanged:
                changed[file_id] = Flag.CHUNK_CHANGED.name.lower()
                continue
            copy_rejects(
                self._cursor, encoded_rejects(rejects, self.outcome.batch_id), frozenset(), batch_id=None
            )
            for _ in lines:
                self._books.refuse(file_id)
        if changed:
            raise FilesChanged(changed)

    def _chunks(self) -> list[ChunkToRead]:
        self._cursor.execute(
            statement("chunks.to_read"), {"after": self._batch.after, "upto": self._batch.upto}
        )
        return self._evidence.chunks(self._cursor.fetchall())
