"""One micro-batch, from Spark's hands to the commit: what `foreachBatch` calls.

Belongs here: the order of the steps, and which sink takes the rows. Does not belong here: the steps themselves
(`cleaning`, `copy_sink`, `jdbc_sink`, `commit`).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from psycopg2.extensions import connection as Connection
from pyspark.sql import DataFrame

from clickstream_assets.database import connect, query
from clickstream_assets.settings import Sink
from spark.batch import Batch, Chunk, Outcome
from spark.commit import BatchCommit
from spark.copy_sink import SMALL_ROWS, TaskStaging, stage_in_driver
from spark.jdbc_sink import stage_by_jdbc

log = logging.getLogger("clickstream.batch")


class MicroBatchWriter:
    """Writes micro-batches under one lease epoch.

    `batch_range` gives (after, upto) of a Spark batch id; `prepare` makes of a micro-batch what the sink takes.
    """

    def __init__(
        self,
        url: str,
        epoch: int,
        sink: Sink,
        prepare: Callable[[DataFrame], DataFrame],
        batch_range: Callable[[int], tuple[int, int]],
        committed: Callable[[Outcome], None],
    ) -> None:
        self._url = url
        self._epoch = epoch
        self._sink: Sink = sink
        self._prepare = prepare
        self._batch_range = batch_range
        self._committed = committed
        self._connection: Connection | None = None

    def write(self, records: DataFrame, spark_batch_id: int) -> None:
        """Commit one micro-batch, exactly once: a batch that is in the ledger already is passed over."""
        started_at, started = datetime.now(UTC), time.monotonic()
        query_id = records.sparkSession.sparkContext.getLocalProperty("sql.streaming.queryId") or ""
        after, upto = self._batch_range(spark_batch_id)
        connection = self._open()
        try:
            chunks = self._chunks(connection, query_id, spark_batch_id, after, upto)
            if not chunks:
                connection.rollback()
                log.info("batch %d of Spark is committed already: passed over", spark_batch_id)
                return
            batch = Batch(query_id, spark_batch_id, self._epoch, self._sink, after, upto, chunks, started_at)
            outcome = self._run(records, connection, batch, started)
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
                cursor.execute(query("create_session_tables"))
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

    def _run(self, records: DataFrame, connection: Connection, batch: Batch, started: float) -> Outcome:
        rows = self._prepare(records)
        commit = BatchCommit(connection, batch)
        if self._sink == "jdbc":
            part = stage_by_jdbc(rows, self._url, self._epoch)
            parsed = time.monotonic() - started
            commit.begin()
            commit.merge(part)
            return commit.finish(parsed)
        if sum(chunk.records for chunk in batch.chunks) <= SMALL_ROWS:
            commit.begin()
            part = stage_in_driver(rows, connection)
            parsed = time.monotonic() - started
            commit.merge(part)
            return commit.finish(parsed)
        return self._run_in_tasks(rows, commit, started)

    def _run_in_tasks(self, rows: DataFrame, commit: BatchCommit, started: float) -> Outcome:
        """Spark parses in this thread, the merge follows in another: both cores work."""
        staging = TaskStaging(self._url, self._epoch)
        with ThreadPoolExecutor(1, "merge") as pool:
            merging = pool.submit(_merge_all, commit, staging)
            staging.run(rows)
            parsed = time.monotonic() - started
            merging.result()
        accepted = staging.accepted()
        if commit.merged_tokens != [part.token for part in accepted]:
            # Spark ran a task twice and accepted the attempt that was not merged: once more, now that all is known.
            commit.roll_back()
            commit = commit.again()
            commit.begin()
            for part in accepted:
                commit.merge(part)
        return commit.finish(parsed)


def _merge_all(commit: BatchCommit, staging: TaskStaging) -> None:
    commit.begin()
    for part in staging.parts():
        commit.merge(part)
