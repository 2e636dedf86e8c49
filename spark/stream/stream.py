"""The life of the stream: lease, intake, Spark query, and its orderly end.

Belongs here: starting and ending the parts in the right order. Does not belong here: what the parts do
(`query`, `intake`, `lease`), and how the reason of the end is kept (`ending`).
"""

from __future__ import annotations

import logging
import os
import threading
from contextlib import suppress

from psycopg2 import sql
from py4j.protocol import Py4JError
from pyspark.sql import SparkSession

from clickstream_assets.contract import STREAM_URL_VARIABLE
from clickstream_assets.database import connect
from clickstream_assets.errors import StreamError
from clickstream_assets.home import make_home
from clickstream_assets.settings import Settings
from clickstream_assets.sql_files import statement
from spark.handover.spool import sweep
from spark.intake.intake import Intake
from spark.intake.manifest import Manifest
from spark.lease import Lease
from spark.mapping.source_mapping import SourceMapping, read_mapping
from spark.sink.jdbc import find_jdbc_jar
from spark.stream.ending import Ending
from spark.stream.idle_workers import IdleWorkers, touch_workers
from spark.stream.query import LoadQuery, failure_cause, spool_dir, start_query
from spark.stream.session import start_session

PARENT_SECONDS = 0.5  # between looks whether the parent is still there

JVM_GONE = (Py4JError, ConnectionError)  # what a call to a JVM that is no more raises

log = logging.getLogger("clickstream.stream")


def run_stream(settings: Settings, *, available_now: bool) -> None:
    """Load files until a signal comes, or, with `available_now`, until all present files are in.

    Raises:
        LeaseHeld: another stream runs.
        SettingsError: the jdbc sink has no driver.
        SettingsError: the source mapping cannot be used.
        StreamError: it ended otherwise than by request.
    """
    url = os.environ[STREAM_URL_VARIABLE]
    jar = find_jdbc_jar(os.environ.get("CLICKSTREAM_JDBC_JAR")) if settings.sink == "jdbc" else None
    mapping = read_mapping(settings.source_mapping)
    ending = Ending()
    parent = os.getppid()
    mode = "catch-up" if available_now else "continuous"
    ending.catch_signals()
    lease = Lease(url, mode, os.environ.get("CLICKSTREAM_DAGSTER_RUN_ID"), ending.lease_lost)
    try:
        _drop_orphaned_parts(url, lease.epoch)
        if (spool := spool_dir(settings)) is not None:
            sweep(spool)
        connection = connect(url, "clickstream-stream-intake")
        intake = Intake(
            settings.events_dir,
            settings.settle_seconds,
            Manifest(connection, lease.epoch),
            lambda error: ending.fail(f"intake failed: {error}"),
            mapping,
            unterminated_seconds=settings.settle_unterminated_seconds,
            follow_links=settings.follow_links,
        )
        make_home(settings.home)
        spark = start_session(settings.spark_master, settings.home, str(jar) if jar else None)
        try:
            ending.catch_signals()  # again: PySpark has set a SIGINT handler of its own
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
        raise StreamError(ending.failure)


def _run(
    settings: Settings,
    mapping: SourceMapping,
    spark: SparkSession,
    lease: Lease,
    intake: Intake,
    ending: Ending,
    parent: int,
    *,
    available_now: bool,
) -> None:
    if ending.event.is_set():
        return
    if ui := spark.sparkContext.uiWebUrl:
        lease.show_spark_ui(ui)
        log.info("Spark UI: %s", ui)
    registered = settings.home / f"registered-{lease.epoch}" if available_now else None
    if registered is not None:
        log.info("registering and loading the files in %s", settings.events_dir)
        intake.start_with_present_files(registered)
    else:
        intake.start()
        log.info("watching %s", settings.events_dir)
    busy = threading.Lock()
    workers = IdleWorkers(lambda: touch_workers(spark))
    query = start_query(
        spark,
        os.environ[STREAM_URL_VARIABLE],
        settings,
        lease,
        busy,
        available_now=available_now,
        spool=spool_dir(settings),
        registered=registered,
        mapping=mapping,
    )
    try:
        while not ending.event.wait(PARENT_SECONDS):
            if not query.is_active:
                break
            if busy.locked():
                workers.worked()
            workers.tick()
            if os.getppid() != parent:
                ending.stop("the parent process ended")
        if not ending.event.is_set():
            _say_how_it_ended(query, ending)
    finally:
        intake.stop()  # a catch-up that waits for files to be registered waits no longer
        # Stopping between two batches: a batch that runs is let finish.
        with busy, suppress(*JVM_GONE):
            query.stop()
        if registered is not None:
            registered.unlink(missing_ok=True)


def _say_how_it_ended(query: LoadQuery, ending: Ending) -> None:
    error = query.exception()
    if error is None:
        ending.stop("all present files are in")
        return
    log.error("%s", error)
    ending.fail(f"the Spark query failed: {failure_cause(str(error))}")


def _drop_orphaned_parts(url: str, epoch: int) -> None:
    """Remove the upload space that a killed stream left behind."""
    connection = connect(url, "clickstream-stream-cleanup", autocommit=True)
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement("staging.forget_all_finished_parts"))
            cursor.execute(statement("staging.orphaned_parts"), {"epoch": epoch})
            for (table,) in cursor.fetchall():
                cursor.execute(
                    sql.SQL(statement("staging.drop_orphaned_part")).format(
                        table=sql.Identifier("staging", table)
                    )
                )
    finally:
        connection.close()
