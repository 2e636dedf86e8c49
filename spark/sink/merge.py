"""Merging: staged rows become events, and what did not go in is found to be a duplicate, a conflict or refused."""

from __future__ import annotations

from collections import Counter
from typing import Any

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from clickstream_assets.sql_files import statement
from spark.cleaning.columns import EVENT_COLUMNS
from spark.handover.staging import Table, column_list
from spark.sink.books import Books, Outcome
from spark.sink.plain_insert import PlainInsert
from spark.sink.refusals import SUPPRESSED, Refused, is_about_a_row, merge_by_halves

CONTENT = tuple(
    column for column in EVENT_COLUMNS if column.name not in ("event_id", "event_time", "file_id", "line_no")
)


class Merge:
    """Of the rows of one micro-batch, in its transaction. Duplicates go into the books, `refused` are rejects to be.

    A table of staged rows may hold those of files that turned out to be void: they are left out.
    """

    def __init__(self, cursor: Cursor, books: Books, outcome: Outcome, plain: PlainInsert) -> None:
        self._cursor = cursor
        self._books = books
        self._outcome = outcome
        self._plain = plain
        self.refused: list[Refused] = []

    def run(self, name: str, rows: Table, **values: Any) -> None:
        """Run a statement about staged `rows`; identifiers among `values` go into its text, all else are parameters."""
        names = {key: value for key, value in values.items() if isinstance(value, sql.Composable)}
        parameters = {key: value for key, value in values.items() if key not in names}
        self._cursor.execute(
            sql.SQL(statement(name)).format(rows=sql.Identifier(*rows), **names),
            {"batch_id": self._outcome.batch_id, "void": list(self._books.void_files), **parameters},
        )

    def staged(self, rows: Table) -> Counter[int]:
        """How many rows of each file are staged."""
        self.run("merge.count_staged", rows)
        return Counter(dict(self._cursor.fetchall()))

    def inserted_plainly(self, name: str, rows: Table, staged: int, **values: Any) -> bool:
        """Insert staged events, all of which must be new. If one is not, or is refused, nothing is done."""
        if not self._plain.is_worth_trying(staged):
            return False
        cursor = self._cursor
        cursor.execute(statement("savepoint.set"))
        try:
            self.run(name, rows, **values)
            if cursor.rowcount == staged:
                cursor.execute(statement("savepoint.release"))
                return True
        except psycopg2.Error as error:
            if not is_about_a_row(error):
                raise
        self._plain.failed()
        cursor.execute(statement("savepoint.undo"))
        return False

    def merge(self, rows: Table, staged: Counter[int]) -> None:
        """Merge staged events into `events`, and find what did not go in."""
        cursor = self._cursor
        cursor.execute(statement("merge.staged_pages"), {"rows": ".".join(rows)})
        ((pages,),) = cursor.fetchall()

        def merge(first: str, last: str) -> list[tuple[int, int]]:
            self.run("merge.events", rows, first=first, last=last, columns=column_list(EVENT_COLUMNS))
            return cursor.fetchall()

        def found(first: str, last: str) -> list[tuple[int, int]]:
            self.run("merge.staged_row", rows, first=first, last=last)
            return cursor.fetchall()

        duplicates = staged.copy()
        for result in merge_by_halves(cursor, pages, merge, found):
            if isinstance(result, Refused):
                self.refused.append(result)
                duplicates[result.file_id] -= 1
            else:
                duplicates[result[0]] -= result[1]
        if duplicates.total():
            # Estimates for tables this young are worthless: the key's index is the way, by hand.
            cursor.execute(statement("merge.by_index"))
            duplicates.subtract(self._suppressed(rows))
            self._note_conflicts(rows)
            cursor.execute(statement("merge.by_estimate"))
        self._books.duplicates.update(+duplicates)

    def _suppressed(self, rows: Table) -> Counter[int]:
        """Rows that a trigger kept from being stored, by file."""
        cursor = self._cursor
        cursor.execute(statement("merge.has_row_triggers"))
        if cursor.fetchall() == [(False,)]:
            return Counter()
        self.run("merge.suppressed_rows", rows)
        known = {(row.file_id, row.line_no) for row in self.refused}
        found = [(file_id, line) for file_id, line in cursor.fetchall() if (file_id, line) not in known]
        self.refused += [Refused(file_id, line, SUPPRESSED) for file_id, line in found]
        return Counter(file_id for file_id, _ in found)

    def _note_conflicts(self, rows: Table) -> None:
        """Duplicates by their key that say something else."""
        self.run(
            "merge.insert_conflicts",
            rows,
            content=column_list(CONTENT),
            staged_content=column_list(CONTENT, "s"),
            stored_content=column_list(CONTENT, "e"),
        )
        self._outcome.rows_conflict += self._cursor.rowcount
