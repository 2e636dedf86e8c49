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

import time
from collections.abc import Mapping

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from clickstream_assets.sql_files import statement
from spark.content.errors import ContentChanged
from spark.handover.encoding import encoded_rejects
from spark.handover.parts import RowsLost
from spark.lease import LeaseLost
from spark.reading.flags import Flag
from spark.sink.books import COUNTS, Batch, Books, Outcome
from spark.sink.copy_in import copy_rejects
from spark.sink.evidence import Evidence
from spark.sink.known_keys import KnownKeys
from spark.sink.merge import Merge
from spark.sink.plain_insert import PlainInsert
from spark.sink.refusals import by_file
from spark.sink.storing import FilesChanged, Storing
from spark.sink.suspects import SUSPECTS, Suspects
from spark.source.chunks import ChunkToRead


class BatchCommit:
    """The transaction of one micro-batch: `begin`, store each part in order (`storing`), `finish`; or `roll_back`."""

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
        self.outcome = Outcome()
        self._merge = Merge(self._cursor, self._books, self.outcome, plain)
        self.storing = Storing(self._cursor, self._books, self.outcome, self._merge, self._suspects, known)

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
