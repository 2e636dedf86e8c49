"""One micro-batch, from Spark's hands to the commit: what `foreachBatch` calls.

A large micro-batch is stored by a thread, from its first finished part on, and Spark may plan and read the next one
while its end is still being stored. That is safe, because Spark's checkpoint decides nothing: chunks leave the
manifest in the commit that stores their rows, and a stream that starts looks for all that are there.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from pyspark.sql import DataFrame

from clickstream_assets.database import connect
from clickstream_assets.sql_files import statement
from spark.cleaning.columns import EVENT_COLUMNS
from spark.handover.parts import Part
from spark.handover.staging import definitions
from spark.sink.batch_run import BatchRun
from spark.sink.books import Batch, Chunk, Outcome
from spark.sink.commit import BatchCommit
from spark.sink.driver_read import DriverRead
from spark.sink.evidence import Evidence
from spark.sink.handovers import Handover, close_quietly
from spark.sink.known_keys import KnownKeys
from spark.sink.known_keys_file import KnownKeysFile
from spark.sink.plain_insert import PlainInsert

log = logging.getLogger("clickstream.batch")


class MicroBatchWriter:
    """Writes micro-batches under one lease epoch, in their order.

    Args:
        url: of the database, as the writer.
        sink: its name in the ledger.
        batch_range: gives (after, upto) of a Spark batch id.
        committed: is told the outcome of each micro-batch.
        keys_file: keeps the filter of known keys between two streams.
        driver_read: reads the small ones; without it Spark's tasks read all.
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
        keys_file: KnownKeysFile | None = None,
        driver_read: DriverRead | None = None,
    ) -> None:
        self._url = url
        self._epoch = epoch
        self._sink = sink
        self._handover = handover
        self._evidence = evidence
        self._batch_range = batch_range
        self._committed = committed
        self._keys_file = keys_file
        self._driver_read = driver_read
        self._plain = PlainInsert()
        self._last: Outcome | None = None
        self._manifest: Connection | None = None
        self._connection: Connection | None = None
        self._known: KnownKeys | None = None
        self._pool = ThreadPoolExecutor(1, "store")
        self._storing: Future[None] | None = None
        # What ended a micro-batch. Spark itself would learn of one that ended in the thread with the next one only.
        self.error: BaseException | None = None

    def write(self, rows: DataFrame, spark_batch_id: int) -> None:
        """Run one micro-batch and see to its commit: a batch that is in the ledger already is passed over.

        Raises whatever the commit of this micro-batch, or of the one before it, raised.
        """
        try:
            self._write(rows, spark_batch_id)
        except BaseException as error:
            self.error = self.error or error
            raise

    def _write(self, rows: DataFrame, spark_batch_id: int) -> None:
        started_at, started = datetime.now(UTC), time.monotonic()
        query_id = rows.sparkSession.sparkContext.getLocalProperty("sql.streaming.queryId") or ""
        after, upto = self._batch_range(spark_batch_id)
        chunks = self._chunks(query_id, spark_batch_id, after, upto)
        if not chunks:
            if after < upto:  # the first one of a new checkpoint is empty
                log.info("batch %d of Spark is committed already: passed over", spark_batch_id)
            return
        batch = Batch(query_id, spark_batch_id, self._epoch, self._sink, after, upto, chunks, started_at)
        run = BatchRun(batch, self._handover.begin(batch), started)
        if not run.is_small:
            run.handover.pace(0)
        before, self._storing = self._storing, self._pool.submit(self._store, run)
        try:
            run.accepted = self._parts(run, rows)
            run.parse_seconds = time.monotonic() - started
        finally:
            run.done.set()
            if before is not None:
                before.result()
        if run.is_small:
            self.finish()

    def _parts(self, run: BatchRun, rows: DataFrame) -> list[Part]:
        if self._driver_read is not None and self._manifest is not None:
            parts = self._driver_read.parts(run.batch, self._manifest)
            if parts is not None:
                run.handover = self._driver_read.handed_over(run.batch)
                return parts
        return run.handover.run(rows)

    @property
    def is_storing(self) -> bool:
        """Whether something that was begun is not committed yet."""
        return self._storing is not None and not self._storing.done()

    def finish(self) -> None:
        """Wait until all that was begun is committed; raises what ended it otherwise."""
        storing, self._storing = self._storing, None
        if storing is not None:
            storing.result()

    def close(self) -> None:
        """Wait as `finish` does, and keep what the next stream can use."""
        try:
            self.finish()
        finally:
            self._pool.shutdown()
            self._keep_keys(only_if_many=False)
            self._handover.close()
            close_quietly(self._manifest)
            close_quietly(self._connection)

    def _chunks(self, query_id: str, spark_batch_id: int, after: int, upto: int) -> list[Chunk]:
        if self._manifest is None:
            self._manifest = connect(self._url, "clickstream-stream-batches", autocommit=True)
        with self._manifest.cursor() as cursor:
            cursor.execute(
                statement("commit.batch_committed"), {"query_id": query_id, "spark_batch_id": spark_batch_id}
            )
            if cursor.fetchone() is not None:
                return []
            cursor.execute(statement("chunks.of_batch"), {"after": after, "upto": upto})
            return [Chunk(*row) for row in cursor]

    def _open(self) -> tuple[Connection, KnownKeys]:
        if self._connection is None or self._known is None:
            self._connection = connect(self._url, "clickstream-stream-sink")
            with self._connection, self._connection.cursor() as cursor:
                cursor.execute(
                    sql.SQL(statement("merge.create_suspects")).format(columns=definitions(EVENT_COLUMNS))
                )
            self._known = self._keys_file.load(self._connection) if self._keys_file else KnownKeys()
        return self._connection, self._known

    def _store(self, run: BatchRun) -> None:
        """Runs in the thread: store the parts of a micro-batch as they come, and commit it."""
        try:
            connection, known = self._open()
        except BaseException as error:
            self._failed(error, run)
            raise
        try:
            commit = BatchCommit(connection, run.batch, known, self._evidence, self._plain)
            if run.is_small or not run.handover.reports_early:
                run.done.wait()
            commit.begin()
            run.store_early(commit)
            run.handover.pace(None)
            if run.accepted is None:
                connection.rollback()
                return
            outcome = run.finish(commit, run.accepted)
        except BaseException as error:
            self._failed(error, run)
            with suppress(
                psycopg2.Error
            ):  # the session may be gone; what the tasks left goes with the next start
                connection.rollback()
            raise
        run.handover.end()
        log.info(
            "batch %d: %d rows read, %d inserted, %d duplicate, %d rejected, %d file(s), %.0f ms",
            outcome.batch_id,
            outcome.rows_read,
            outcome.rows_inserted,
            outcome.rows_duplicate,
            outcome.rows_rejected,
            outcome.files,
            (time.monotonic() - run.started) * 1000,
        )
        self._last = outcome
        self._keep_keys(only_if_many=True)
        self._committed(outcome)

    def _failed(self, error: BaseException, run: BatchRun) -> None:
        self.error = self.error or error
        with suppress(OSError):
            run.handover.pace(None)

    def _keep_keys(self, *, only_if_many: bool) -> None:
        last = self._last
        if self._keys_file and self._known and last and last.committed_at:
            self._keys_file.save(self._known, last.batch_id, last.committed_at, only_if_many=only_if_many)
