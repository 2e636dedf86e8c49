"""Storing a part of a micro-batch in its transaction: from the spool, from staging tables, or from blocks of rows.

Rows that may be duplicates wait among the suspects, or are merged at once; the commit counts all of them afterwards.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence

import psycopg2
from psycopg2.extensions import cursor as Cursor

from clickstream_assets.sql_files import statement
from spark.cleaning.columns import EVENT_COLUMNS, REJECT_COLUMNS
from spark.handover.parts import Part, RowsLost
from spark.handover.spool import Spool
from spark.handover.staging import StagingTables, Table, column_list, drop_tables, unnested
from spark.sink.books import Books, Outcome
from spark.sink.copy_in import copy_rejects, copy_sheet
from spark.sink.known_keys import KnownKeys
from spark.sink.merge import Merge
from spark.sink.suspects import Suspects

log = logging.getLogger("clickstream.sink")


class FilesChanged(Exception):
    """Files turned out to be others than intake saw: nothing of them may be stored."""

    def __init__(self, files: Mapping[int, str]) -> None:
        super().__init__(f"{len(files)} file(s) changed")
        self.files = dict(files)


class Storing:
    """Of the parts of one micro-batch, in order. Each is entered into the books."""

    def __init__(
        self,
        cursor: Cursor,
        books: Books,
        outcome: Outcome,
        merge: Merge,
        suspects: Suspects,
        known: KnownKeys,
    ) -> None:
        self._cursor = cursor
        self._books = books
        self._outcome = outcome
        self._merge = merge
        self._suspects = suspects
        self._known = known
        self._months: set[str] = set()  # that have a partition
        self.tokens: list[str] = []  # of the parts that are stored

    def spooled(self, part: Part, spool: Spool) -> None:
        """Store a part whose rows are in the spool.

        Raises:
            RowsLost: the spool does not hold what the task reported.
            FilesChanged: the part says that files are not what intake saw.
        """
        started = time.monotonic()
        self._begin_part(part)
        void = frozenset(self._books.void_files)
        # The source foretold the id; a stream that goes on after a crash may find another one.
        batch_id = self._outcome.batch_id if part.batch_id != self._outcome.batch_id else None
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
        self._outcome.merge_seconds += time.monotonic() - started

    def staged(self, part: Part, tables: StagingTables, *, drop: bool = True) -> None:
        """Store a part whose rows are in staging tables; with `drop` these go.

        Raises:
            RowsLost: the tables do not hold what was put there.
            FilesChanged: the part says that files are not what intake saw.
        """
        started = time.monotonic()
        self._begin_part(part)
        if part.events:
            found = self._merge.staged(tables.events)
            if found.total() != self._expected(part.events):
                raise RowsLost(f"{part.event_rows} events were staged, {found.total()} are there.")
            columns = column_list(EVENT_COLUMNS)
            if not self._merge.inserted_plainly(
                "merge.insert_new", tables.events, found.total(), columns=columns
            ):
                self._merge.merge(tables.events, found)
        if part.rejects:
            self._merge.run("merge.rejects", tables.rejects, columns=column_list(REJECT_COLUMNS))
            self._require(self._expected(part.rejects), "rejects")
        if drop:
            drop_tables(self._cursor, tables)
        self._outcome.merge_seconds += time.monotonic() - started

    def blocks(self, part: Part, table: Table) -> None:
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
        if events and not self._merge.inserted_plainly("merge.insert_blocks", table, events, **values):
            self._merge.run("merge.suspect_blocks", table, **values)
            self._suspects.note(self._cursor.rowcount)
            self._require(events, "events")
        if rejects:
            self._merge.run("merge.reject_blocks", table, token=part.token)
            self._require(rejects, "rejects")
        self._outcome.merge_seconds += time.monotonic() - started

    def _begin_part(self, part: Part) -> None:
        if not part.void_files.keys() <= self._books.void_files.keys():
            raise FilesChanged(part.void_files)
        self.tokens.append(part.token)
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
