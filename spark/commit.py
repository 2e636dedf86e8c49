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
from collections.abc import Mapping
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from clickstream_assets.database import query
from spark.batch import COUNTS, Batch, Books, Outcome
from spark.lease import LeaseLost
from spark.staging import Part, RowsLost


class BatchCommit:
    """The transaction of one micro-batch: `begin`, `merge` each part in order, `finish`; or `roll_back`."""

    def __init__(self, connection: Connection, batch: Batch) -> None:
        self._connection = connection
        self._batch = batch
        self._books = Books(batch)
        self._totals = dict.fromkeys(COUNTS, 0)
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
            self.outcome.batch_id, self._totals = last[0], dict(zip(COUNTS, last[1:], strict=True))
        self.outcome.batch_id += 1

    def merge(self, part: Part) -> None:
        """Merge the staged rows of one part, and drop its tables.

        Raises:
            RowsLost: the tables do not hold what was put there.
        """
        started = time.monotonic()
        self.merged_tokens.append(part.token)
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
        self._books.add(part)
        self.outcome.merge_seconds += time.monotonic() - started

    def finish(self, parse_seconds: float) -> Outcome:
        """Check the books, write the ledger, delete the chunks, commit.

        Raises:
            RowsLost: the rows of a file are not as many as intake counted.
        """
        started = time.monotonic()
        batch, outcome = self._batch, self.outcome
        self._books.check()
        self._books.close(outcome)
        with self._connection.cursor() as cursor:
            self._finish_files(cursor)
            outcome.merge_seconds += time.monotonic() - started
            cursor.execute(
                query("insert_batch"), self._books.ledger_row(outcome, self._totals, parse_seconds)
            )
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
        self._books.duplicates.update(dict(cursor.fetchall()))
        cursor.execute(
            "SET LOCAL enable_nestloop = on; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"
        )
        cursor.execute(query("insert_conflicts"), {"batch_id": self.outcome.batch_id})
        self.outcome.rows_conflict += cursor.rowcount
        cursor.execute("SET LOCAL enable_hashjoin = on; SET LOCAL enable_mergejoin = on")
        cursor.execute(query("forget_duplicates"))

    def _finish_files(self, cursor: Cursor) -> None:
        cursor.execute(query("finish_files"), self._books.by_file())
        if void := self._books.void_files:
            cursor.execute(query("void_files"), {"file_ids": list(void), "reasons": list(void.values())})
            cursor.execute(query("delete_void_chunks"), {"file_ids": list(void)})


def _run(cursor: Cursor, name: str, names: Mapping[str, sql.Composable], **values: Any) -> None:
    cursor.execute(sql.SQL(query(name)).format(**names), values)
