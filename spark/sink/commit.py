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
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from clickstream_assets.sql_files import statement
from spark.cleaning.columns import EVENT_COLUMNS, REJECT_COLUMNS
from spark.handover.encoding import encoded_rejects
from spark.handover.parts import Part, RowsLost
from spark.handover.spool import Spool
from spark.handover.staging import StagingTables, Table, column_list, drop_tables, unnested
from spark.lease import LeaseLost
from spark.reading.content import ContentChanged
from spark.reading.flags import Flag
from spark.sink.books import COUNTS, Batch, Books, Outcome
from spark.sink.copy_in import copy_rejects, copy_sheet
from spark.sink.evidence import Evidence
from spark.sink.known_keys import KnownKeys
from spark.sink.plain_insert import PlainInsert
from spark.sink.refusals import SUPPRESSED, Refused, by_file, is_about_a_row, merge_by_halves
from spark.sink.suspects import SUSPECTS, Suspects
from spark.source.chunks import ChunkToRead

CONTENT = tuple(
    column for column in EVENT_COLUMNS if column.name not in ("event_id", "event_time", "file_id", "line_no")
)

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
        self._plain = plain
        self._books = Books(batch, void_files=dict(void_files or {}))
        self._totals = dict.fromkeys(COUNTS, 0)
        self._suspects = Suspects(self._cursor)  # they wait for the end
        self._months: set[str] = set()  # that have a partition
        self._refused: list[Refused] = []
        self.stored_tokens: list[str] = []
        self.outcome = Outcome()

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
            staged = self._staged(tables.events)
            if staged.total() != self._expected(part.events):
                raise RowsLost(f"{part.event_rows} events were staged, {staged.total()} are there.")
            columns = column_list(EVENT_COLUMNS)
            if not self._is_inserted_plainly(
                "merge.insert_new", tables.events, staged.total(), columns=columns
            ):
                self._merge(tables.events, staged)
        if part.rejects:
            self._run("merge.rejects", tables.rejects, columns=column_list(REJECT_COLUMNS))
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
        if events and not self._is_inserted_plainly("merge.insert_blocks", blocks, events, **values):
            self._run("merge.suspect_blocks", blocks, **values)
            self._suspects.note(self._cursor.rowcount)
            self._require(events, "events")
        if rejects:
            self._run("merge.reject_blocks", blocks, token=part.token)
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
            self._merge(SUSPECTS, self._staged(SUSPECTS))
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

    def _staged(self, rows: Table) -> Counter[int]:
        self._run("merge.count_staged", rows)
        return Counter(dict(self._cursor.fetchall()))

    def _expected(self, rows_by_file: Mapping[int, int]) -> int:
        return sum(rows for file_id, rows in rows_by_file.items() if file_id not in self._books.void_files)

    def _require(self, rows: int, what: str) -> None:
        """Raises RowsLost, unless the last statement stored so many rows."""
        if self._cursor.rowcount != rows:
            raise RowsLost(f"{rows} {what} were staged, {self._cursor.rowcount} were stored.")

    def _is_inserted_plainly(self, name: str, rows: Table, staged: int, **values: Any) -> bool:
        """Insert staged events, all of which must be new. If one is not, or is refused, nothing is done."""
        if not self._plain.is_worth_trying(staged):
            return False
        cursor = self._cursor
        cursor.execute(statement("savepoint.set"))
        try:
            self._run(name, rows, **values)
            if cursor.rowcount == staged:
                cursor.execute(statement("savepoint.release"))
                return True
        except psycopg2.Error as error:
            if not is_about_a_row(error):
                raise
        self._plain.failed()
        cursor.execute(statement("savepoint.undo"))
        return False

    def _merge(self, rows: Table, staged: Counter[int]) -> None:
        """Merge staged events into `events`, and find what did not go in."""
        cursor = self._cursor
        cursor.execute(statement("merge.staged_pages"), {"rows": ".".join(rows)})
        ((pages,),) = cursor.fetchall()

        def merge(first: str, last: str) -> list[tuple[int, int]]:
            self._run("merge.events", rows, first=first, last=last, columns=column_list(EVENT_COLUMNS))
            return cursor.fetchall()

        def found(first: str, last: str) -> list[tuple[int, int]]:
            self._run("merge.staged_row", rows, first=first, last=last)
            return cursor.fetchall()

        duplicates = staged.copy()
        for result in merge_by_halves(cursor, pages, merge, found):
            if isinstance(result, Refused):
                self._refused.append(result)
                duplicates[result.file_id] -= 1
            else:
                duplicates[result[0]] -= result[1]
        if duplicates.total():
            # Estimates for tables this young are worthless: the key's index is the way, by hand.
            cursor.execute(statement("merge.by_index"))
            duplicates.subtract(self._suppressed(rows))
            self._run(
                "merge.insert_conflicts",
                rows,
                content=column_list(CONTENT),
                staged_content=column_list(CONTENT, "s"),
                stored_content=column_list(CONTENT, "e"),
            )
            self.outcome.rows_conflict += cursor.rowcount
            cursor.execute(statement("merge.by_estimate"))
        self._books.duplicates.update(+duplicates)

    def _suppressed(self, rows: Table) -> Counter[int]:
        """Rows that a trigger kept from being stored, by file."""
        cursor = self._cursor
        cursor.execute(statement("merge.has_row_triggers"))
        if cursor.fetchall() == [(False,)]:
            return Counter()
        self._run("merge.suppressed_rows", rows)
        known = {(row.file_id, row.line_no) for row in self._refused}
        found = [(file_id, line) for file_id, line in cursor.fetchall() if (file_id, line) not in known]
        self._refused += [Refused(file_id, line, SUPPRESSED) for file_id, line in found]
        return Counter(file_id for file_id, _ in found)

    def _reject_refused(self) -> None:
        changed: dict[int, str] = {}
        for file_id, lines in by_file(self._refused).items():
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

    def _run(self, name: str, rows: Table, **values: Any) -> None:
        """Run a statement about staged `rows`; identifiers among `values` go into its text, all else are parameters."""
        names = {key: value for key, value in values.items() if isinstance(value, sql.Composable)}
        parameters = {key: value for key, value in values.items() if key not in names}
        self._cursor.execute(
            sql.SQL(statement(name)).format(rows=sql.Identifier(*rows), **names),
            {"batch_id": self.outcome.batch_id, "void": list(self._books.void_files), **parameters},
        )
