"""The Spark query: source and sink put together, and started."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming import StreamingQuery

from clickstream_assets.contract import STREAM_URL_VARIABLE
from spark.lease import Lease
from spark.sink.books import Outcome
from spark.sink.driver_read import DriverRead
from spark.sink.evidence import Evidence
from spark.sink.handovers import Handover, SpoolHandover, UploadHandover
from spark.sink.jdbc import JdbcHandover
from spark.sink.known_keys_file import KnownKeysFile
from spark.sink.micro_batch import MicroBatchWriter
from spark.source.data_source import ChunkSource
from spark.source.options import Handover as HandoverName
from spark.source.options import SourceOptions
from spark.stream import offset_log
from spark.stream.settings import StreamSettings

NOTHING_TO_DO = "Waiting for data to arrive"  # as Spark says it
KNOWN_KEYS = "known_keys.npz"  # in the home

log = logging.getLogger("clickstream.stream")


class LoadQuery:
    """A Spark query, and the commits that follow on its micro-batches."""

    def __init__(self, query: StreamingQuery, writer: MicroBatchWriter) -> None:
        self._query = query
        self._writer = writer

    @property
    def is_active(self) -> bool:
        """Whether Spark runs it, and no commit failed: with no file after it, Spark would not notice."""
        return bool(self._query.isActive) and self._writer.error is None

    @property
    def is_idle(self) -> bool:
        """Whether it has asked for files, found none, and stores nothing any more."""
        return not self._writer.is_storing and str(self._query.status["message"]) == NOTHING_TO_DO

    def wait(self, timeout: int | None = None) -> bool:
        """Wait for the end, at most `timeout` seconds; whether it came.

        Raises whatever ended it otherwise than by request.
        """
        ended = (
            self._query.awaitTermination(timeout) if timeout is not None else self._query.awaitTermination()
        )
        if timeout is not None and not ended:
            return False
        self._writer.finish()
        return True

    def error(self) -> BaseException | None:
        """What ended it otherwise than by request, once it is no longer active."""
        try:
            self._writer.finish()
        except Exception as error:  # noqa: BLE001 - handed on; the first one counts
            return self._writer.error or error
        return self._writer.error or self._query.exception()

    def stop(self) -> None:
        """End it between two micro-batches, when what was begun is committed."""
        try:
            self._query.stop()
        finally:
            with suppress(Exception):  # the reason of an end is asked for by `error`
                self._writer.close()


def start_query(
    spark: SparkSession,
    stream: StreamSettings,
    lease: Lease,
    busy: threading.Lock,
    *,
    registered: Path | None = None,
    committed: Callable[[], None] = lambda: None,
    changed: Callable[[], None] = lambda: None,
    number: int = 0,
    device: int | None = None,
    sets_aside: bool = False,
) -> LoadQuery:
    """Start the query under a held lease.

    Args:
        busy: is locked while a micro-batch is being committed. registered: of a catch-up, a file that is there once
        all present files are registered; without one, they are. committed: is called after each commit.
        changed: where files were not what was registered. number: of the query among those of this stream. device:
        the file system of the events directory. sets_aside: whether a file that cannot be read is left out, where
        others can be.
    """
    checkpoint = stream.settings.checkpoint_dir
    if not offset_log.is_usable(checkpoint):
        log.warning("the checkpoint is damaged: moved to %s", offset_log.move_aside(checkpoint))
    options = SourceOptions(
        os.fsencode(stream.settings.events_dir),
        stream.mapping.to_json(),
        _handover_name(stream),
        stream.settings.identical_rows,
        lease.epoch,
        stream.spool,
        stream.settings.retention_days,
        registered,
        number,
        device,
        sets_aside,
    )

    def note(outcome: Outcome) -> None:
        lease.progressed()
        committed()
        if outcome.void_files:
            changed()

    writer = _writer(stream, options, note)

    def write(rows: DataFrame, batch_id: int) -> None:
        with busy:
            writer.write(rows, batch_id)

    return LoadQuery(_started(spark, stream, options, write), writer)


def _handover_name(stream: StreamSettings) -> HandoverName:
    if stream.settings.sink == "jdbc":
        return "blocks"
    return "upload" if stream.spool is None else "spool"


def _writer(
    stream: StreamSettings, options: SourceOptions, committed: Callable[[Outcome], None]
) -> MicroBatchWriter:
    checkpoint, home = stream.settings.checkpoint_dir, stream.settings.home
    return MicroBatchWriter(
        stream.url,
        options.epoch,
        stream.settings.sink,
        _handover(options, stream.url),
        Evidence(options.root),
        lambda batch_id: offset_log.read_range(checkpoint, batch_id),
        committed,
        KnownKeysFile(home / KNOWN_KEYS) if options.handover == "spool" else None,
        _driver_read(stream, options),
    )


def _driver_read(stream: StreamSettings, options: SourceOptions) -> DriverRead | None:
    if not stream.driver_reads or options.handover == "blocks":  # the JDBC writer's rows are Spark's
        return None
    # The process that reads them stores them: no directory need be shared.
    return DriverRead(replace(options, handover="spool", spool=stream.driver_spool), stream.driver_spool)


def _started(
    spark: SparkSession,
    stream: StreamSettings,
    options: SourceOptions,
    write: Callable[[DataFrame, int], None],
) -> StreamingQuery:
    # The source's Python processes get their environment from here, and never the URL as a visible option.
    spark.sparkContext.environment[STREAM_URL_VARIABLE] = stream.url
    spark.dataSource.register(ChunkSource)
    out = (
        spark.readStream.format("clickstream")
        .options(**options.to_options())
        .load()
        .writeStream.foreachBatch(write)
        .queryName("clickstream")
        .option("checkpointLocation", str(stream.settings.checkpoint_dir))
    )
    return (out.trigger(availableNow=True) if stream.available_now else out).start()


def _handover(options: SourceOptions, url: str) -> Handover:
    if options.handover == "blocks":
        return JdbcHandover(url)
    if options.handover == "spool" and options.spool is not None:
        return SpoolHandover(options.spool)
    return UploadHandover(url)
