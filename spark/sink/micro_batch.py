"""One micro-batch, from Spark's hands to the commit: what `foreachBatch` calls."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from pyspark.sql import DataFrame

from clickstream_assets.database import connect, query
from spark.cleaning.columns import EVENT_COLUMNS
from spark.sink.books import Batch, Chunk, Outcome
from spark.sink.commit import BatchCommit, FilesChanged
from spark.sink.evidence import Evidence
from spark.sink.handovers import Handover, PartsHandover
from spark.sink.known_keys import KnownKeys
from spark.sink.parts import Part
from spark.sink.staging import definitions

SMALL_ROWS = 20_000  # fewer are stored when all of them are there
POLL_SECONDS = 0.01  # between looks for a finished part

log = logging.getLogger("clickstream.batch")


class MicroBatchWriter:
    """Writes micro-batches under one lease epoch.

    Args:
        url: of the database, as the writer.
        sink: its name in the ledger.
        batch_range: gives (after, upto) of a Spark batch id.
        committed: is told the outcome of each micro-batch.
    """

    def __init__(
        self,
        url: str,
        epoch: int,
        sink: str,
        handover: Handover,
        evidence: Evidence,
        batch_range: Callable[[int], tuple[int, int]],
        committed: Callable[[Outcome], None],
    ) -> None:
        self._url = url
        self._epoch = epoch
        self._sink = sink
        self._handover = handover
        self._evidence = evidence
        self._batch_range = batch_range
        self._committed = committed
        self._connection: Connection | None = None
        self._known: KnownKeys | None = None

    def write(self, rows: DataFrame, spark_batch_id: int) -> None:
        """Commit one micro-batch, exactly once: a batch that is in the ledger already is passed over."""
        started_at, started = datetime.now(UTC), time.monotonic()
        query_id = rows.sparkSession.sparkContext.getLocalProperty("sql.streaming.queryId") or ""
        after, upto = self._batch_range(spark_batch_id)
        connection = self._open()
        try:
            chunks = self._chunks(connection, query_id, spark_batch_id, after, upto)
            if not chunks:
                connection.rollback()
                log.info("batch %d of Spark is committed already: passed over", spark_batch_id)
                return
            batch = Batch(query_id, spark_batch_id, self._epoch, self._sink, after, upto, chunks, started_at)
            outcome = self._run(rows, connection, batch, started)
        except BaseException:
            connection.rollback()
            raise
        log.info(
            "batch %d: %d rows read, %d inserted, %d duplicate, %d rejected, %d file(s), %.0f ms",
            outcome.batch_id,
            outcome.rows_read,
            outcome.rows_inserted,
            outcome.rows_duplicate,
            outcome.rows_rejected,
            outcome.files,
            (time.monotonic() - started) * 1000,
        )
        self._committed(outcome)

    def _open(self) -> Connection:
        if self._connection is None:
            self._connection = connect(self._url, "clickstream-stream-sink")
            with self._connection, self._connection.cursor() as cursor:
                cursor.execute(
                    sql.SQL(query("create_session_tables")).format(columns=definitions(EVENT_COLUMNS))
                )
                cursor.execute(query("unknown_until"))
                ((newest,),) = cursor.fetchall()
            self._known = KnownKeys(None if newest is None else _microseconds(newest))
        return self._connection

    def _chunks(
        self, connection: Connection, query_id: str, spark_batch_id: int, after: int, upto: int
    ) -> list[Chunk]:
        with connection.cursor() as cursor:
            cursor.execute(query("batch_committed"), {"query_id": query_id, "spark_batch_id": spark_batch_id})
            if cursor.fetchone() is not None:
                return []
            cursor.execute(query("batch_chunks"), {"after": after, "upto": upto})
            return [Chunk(*row) for row in cursor]

    def _run(self, rows: DataFrame, connection: Connection, batch: Batch, started: float) -> Outcome:
        assert self._known is not None  # noqa: S101 - it comes with the connection
        handover = self._handover.begin(batch)
        commit = BatchCommit(connection, batch, self._known, self._evidence)
        try:
            if sum(chunk.records for chunk in batch.chunks) <= SMALL_ROWS or not handover.reports_early:
                accepted = handover.run(rows)
                commit.begin()
            else:
                accepted, commit = self._store_meanwhile(rows, handover, commit)
            parsed = time.monotonic() - started
            return self._finish(handover, commit, accepted, parsed)
        finally:
            handover.end()

    def _store_meanwhile(
        self, rows: DataFrame, handover: PartsHandover, commit: BatchCommit
    ) -> tuple[list[Part], BatchCommit]:
        """Spark works in this thread, what its tasks finish is stored in another: both cores work."""
        done = threading.Event()
        with ThreadPoolExecutor(1, "store") as pool:
            storing = pool.submit(_store_early, commit, handover, done)
            try:
                accepted = handover.run(rows)
            finally:
                done.set()
            storing.result()
        return accepted, commit

    def _finish(
        self, handover: PartsHandover, commit: BatchCommit, accepted: list[Part], parsed: float
    ) -> Outcome:
        """Store what is not stored yet; from the start again, where something turned out otherwise."""
        void_files = {file_id: flag for part in accepted for file_id, flag in part.void_files.items()}
        tokens = [part.token for part in accepted]
        if commit.void_files != void_files or commit.stored_tokens != tokens[: len(commit.stored_tokens)]:
            # Files changed, or Spark ran a task twice and accepted the attempt that was not stored.
            commit = commit.again(void_files)
        while True:
            try:
                for part in accepted[len(commit.stored_tokens) :]:
                    handover.store(commit, part)
                return commit.finish(parsed)
            except FilesChanged as changed:
                commit = commit.again(changed.files)


def _store_early(commit: BatchCommit, handover: PartsHandover, done: threading.Event) -> None:
    """Store the parts in order, each as soon as it is reported, until one is about changed files or Spark is done."""
    commit.begin()
    for part in _reported(handover, done):
        if part.void_files:
            return
        handover.store(commit, part)


def _reported(handover: PartsHandover, done: threading.Event) -> Iterator[Part]:
    index = 0
    while not done.is_set():
        part = handover.reported(index)
        if part is None:
            done.wait(POLL_SECONDS)
        else:
            yield part
            index += 1


def _microseconds(moment: datetime) -> int:
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
