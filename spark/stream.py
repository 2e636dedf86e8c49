"""The life of the stream: lease, intake, Spark query, and its orderly end.

Belongs here: starting and ending the parts in the right order, and what ends them: a signal, the parent's end, a lost
lease, a failure of intake or of Spark. Does not belong here: what the parts do.
"""

from __future__ import annotations

import logging
import os
import re
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

from psycopg2 import sql
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming import StreamingQuery

from clickstream_assets.database import connect, query
from clickstream_assets.settings import Settings
from spark import offset_log
from spark.cleaning import UNMAPPED, cleaning_sql, on_records
from spark.commit import Outcome
from spark.copy_text import copy_text_sql
from spark.event_times import check_time_format
from spark.idle_workers import IdleWorkers, touch_workers
from spark.intake import Intake
from spark.jdbc_sink import find_jdbc_jar
from spark.lease import Lease
from spark.manifest import Manifest
from spark.micro_batch import MicroBatchWriter
from spark.session import start_session
from spark.source import URL_VARIABLE, ChunkSource
from spark.source_mapping import SourceMapping, read_mapping

PARENT_SECONDS = 0.5  # between looks whether the parent is still there
LOST_LEASE_GRACE_SECONDS = 10  # to stop in order; then the process ends at once

JVM_GONE = (Py4JError, ConnectionError)  # what a call to a JVM that is no more raises

log = logging.getLogger("clickstream.stream")


class StreamFailed(Exception):
    """The stream ended otherwise than by request. The message is one sentence."""


class _Ending:
    """Why the stream shall end. The first reason counts."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self.failure: str | None = None
        self.reason = ""

    def stop(self, reason: str) -> None:
        if not self.event.is_set():
            self.reason = reason
            self.event.set()

    def fail(self, reason: str) -> None:
        if not self.event.is_set():
            self.failure = reason
        self.stop(reason)


def run_stream(settings: Settings, *, available_now: bool) -> None:
    """Load files until a signal comes, or, with `available_now`, until all present files are in.

    Raises:
        LeaseHeld: another stream runs.
        JdbcDriverMissing: the jdbc sink has no driver.
        SettingsError: the source mapping cannot be used.
        StreamFailed: it ended otherwise than by request.
    """
    url = os.environ[URL_VARIABLE]
    jar = find_jdbc_jar(os.environ.get("CLICKSTREAM_JDBC_JAR")) if settings.sink == "jdbc" else None
    mapping = read_mapping(settings.source_mapping)
    ending = _Ending()
    parent = os.getppid()
    mode = "catch-up" if available_now else "continuous"
    _catch_signals(ending)
    lease = Lease(url, mode, os.environ.get("CLICKSTREAM_DAGSTER_RUN_ID"), _lost(ending))
    try:
        _drop_orphaned_parts(url, lease.epoch)
        connection = connect(url, "clickstream-stream-intake")
        intake = Intake(
            settings.events_dir,
            settings.settle_seconds,
            Manifest(connection, lease.epoch),
            lambda error: ending.fail(f"intake failed: {error}"),
            mapping.columns,
        )
        settings.home.mkdir(parents=True, exist_ok=True)
        spark = start_session(settings.spark_master, settings.home, str(jar) if jar else None)
        try:
            _catch_signals(ending)  # again: PySpark has set a SIGINT handler of its own
            check_time_format(spark, mapping)
            _run(settings, mapping, spark, lease, intake, ending, parent, available_now=available_now)
        except JVM_GONE as error:
            log.error("%s", error)
            ending.fail("the Spark JVM ended unexpectedly; Spark's own log, above, may say why")
        finally:
            intake.stop()
            with suppress(*JVM_GONE):
                spark.stop()
            connection.close()
    finally:
        lease.release(ending.reason or "failed")
    if ending.failure:
        raise StreamFailed(ending.failure)


def _run(
    settings: Settings,
    mapping: SourceMapping,
    spark: SparkSession,
    lease: Lease,
    intake: Intake,
    ending: _Ending,
    parent: int,
    *,
    available_now: bool,
) -> None:
    if ending.event.is_set():
        return
    if ui := spark.sparkContext.uiWebUrl:
        lease.show_spark_ui(ui)
        log.info("Spark UI: %s", ui)
    if available_now:
        log.info("registering the files in %s", settings.events_dir)
        intake.register_present_files()
    else:
        intake.start()
        log.info("watching %s", settings.events_dir)
    busy = threading.Lock()
    url = os.environ[URL_VARIABLE]
    workers = IdleWorkers(lambda: touch_workers(spark))
    stream = start_query(spark, url, settings, lease, busy, available_now=available_now, mapping=mapping)
    try:
        while not ending.event.wait(PARENT_SECONDS):
            if not stream.isActive:
                break
            if busy.locked():
                workers.worked()
            workers.tick()
            if os.getppid() != parent:
                ending.stop("the parent process ended")
        if not ending.event.is_set():
            _say_how_it_ended(stream, ending)
    finally:
        # Stopping between two batches: a batch that runs is let finish.
        with busy, suppress(*JVM_GONE):
            stream.stop()


def start_query(
    spark: SparkSession,
    url: str,
    settings: Settings,
    lease: Lease,
    busy: threading.Lock,
    *,
    available_now: bool,
    mapping: SourceMapping = UNMAPPED,
) -> StreamingQuery:
    """Start the query under a held lease. `busy` is locked while a micro-batch is being committed."""
    checkpoint = settings.checkpoint_dir
    if not offset_log.is_usable(checkpoint):
        log.warning("the checkpoint is damaged: moved to %s", offset_log.move_aside(checkpoint))

    def committed(_: Outcome) -> None:
        lease.progressed()

    cleaned = cleaning_sql(settings.identical_rows, mapping)
    statement = cleaned if settings.sink == "jdbc" else copy_text_sql(cleaned)
    # Part of the streaming query, the statement is analysed once; in a micro-batch, once each, which takes longer than
    # the rows do. The window that numbers identical rows is not allowed in a streaming query.
    in_batch = settings.identical_rows == "keep"

    def prepare(records: DataFrame) -> DataFrame:
        return on_records(records, statement, mapping)

    writer = MicroBatchWriter(
        url,
        lease.epoch,
        settings.sink,
        prepare if in_batch else _as_it_is,
        lambda batch_id: offset_log.read_range(checkpoint, batch_id),
        committed,
    )

    def write(records: object, batch_id: int) -> None:
        with busy:
            writer.write(records, batch_id)  # type: ignore[arg-type]

    # The source's Python processes get their environment from here, and never the URL as a visible option.
    spark.sparkContext.environment[URL_VARIABLE] = url
    spark.dataSource.register(ChunkSource)
    reader = spark.readStream.format("clickstream").option("root", os.fsencode(settings.events_dir).hex())
    reader = reader.option("mapping", mapping.to_json()).option("sink", settings.sink)
    if settings.retention_days is not None:
        reader = reader.option("retention_days", str(settings.retention_days))
    source = reader.load()
    out = (
        (source if in_batch else prepare(source))
        .writeStream.foreachBatch(write)
        .queryName("clickstream")
        .option("checkpointLocation", str(checkpoint))
    )
    return (out.trigger(availableNow=True) if available_now else out).start()


def _as_it_is(records: DataFrame) -> DataFrame:
    return records


def _say_how_it_ended(stream: StreamingQuery, ending: _Ending) -> None:
    error: PySparkException | None = stream.exception()
    if error is None:
        ending.stop("all present files are in")
        return
    log.error("%s", error)
    ending.fail(f"the Spark query failed: {_cause(str(error))}")


def _cause(text: str) -> str:
    """The most telling line of a Spark exception: the last line of a Python traceback, where it has one."""
    lines = [line.strip() for line in text.split("=== Streaming Query ===")[0].splitlines() if line.strip()]
    named = [line for line in lines if re.match(r"[A-Za-z_][\w.]*: \S", line)]
    return (named or lines or ["without a word"])[-1][:500]


def _catch_signals(ending: _Ending) -> None:
    """SIGINT and SIGTERM stop in order."""

    def handler(number: int, _: FrameType | None) -> None:
        ending.stop(f"stopped by {signal.Signals(number).name}")

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handler)


def _lost(ending: _Ending) -> Callable[[str], None]:
    def lost(reason: str) -> None:
        ending.fail(f"the lease is lost: {reason}")
        timer = threading.Timer(LOST_LEASE_GRACE_SECONDS, lambda: os._exit(1))
        timer.daemon = True
        timer.start()

    return lost


def _drop_orphaned_parts(url: str, epoch: int) -> None:
    """Remove the upload space that a killed stream left behind."""
    connection = connect(url, "clickstream-stream-cleanup", autocommit=True)
    try:
        with connection.cursor() as cursor:
            cursor.execute(query("orphaned_parts"), {"epoch": epoch})
            for (table,) in cursor.fetchall():
                cursor.execute(
                    sql.SQL(query("drop_orphaned_part")).format(table=sql.Identifier("staging", table))
                )
    finally:
        connection.close()
