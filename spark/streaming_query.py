"""The Spark query: source and sink put together, and started."""

from __future__ import annotations

import logging
import os
import re
import threading
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming import StreamingQuery

from clickstream_assets.settings import Settings
from spark import offset_log
from spark.lease import Lease
from spark.sink.books import Outcome
from spark.sink.evidence import Evidence
from spark.sink.handovers import Handover, SpoolHandover, UploadHandover
from spark.sink.jdbc import JdbcHandover
from spark.sink.micro_batch import MicroBatchWriter
from spark.source.data_source import URL_VARIABLE, ChunkSource
from spark.source.options import SourceOptions
from spark.source_mapping import SourceMapping

UNMAPPED = SourceMapping()

log = logging.getLogger("clickstream.stream")


def start_query(
    spark: SparkSession,
    url: str,
    settings: Settings,
    lease: Lease,
    busy: threading.Lock,
    *,
    available_now: bool,
    spool: Path | None,
    mapping: SourceMapping = UNMAPPED,
) -> StreamingQuery:
    """Start the query under a held lease.

    Args:
        busy: is locked while a micro-batch is being committed.
        spool: a directory that driver and tasks share; without one, tasks upload their rows.
    """
    checkpoint = settings.checkpoint_dir
    if not offset_log.is_usable(checkpoint):
        log.warning("the checkpoint is damaged: moved to %s", offset_log.move_aside(checkpoint))

    def committed(_: Outcome) -> None:
        lease.progressed()

    root = os.fsencode(settings.events_dir)
    options = SourceOptions(
        root,
        mapping,
        "rows" if settings.sink == "jdbc" else "upload" if spool is None else "spool",
        settings.identical_rows,
        lease.epoch,
        spool,
        settings.retention_days,
    )
    writer = MicroBatchWriter(
        url,
        lease.epoch,
        settings.sink,
        _handover(options, url),
        Evidence(root, mapping.columns),
        lambda batch_id: offset_log.read_range(checkpoint, batch_id),
        committed,
    )

    def write(rows: DataFrame, batch_id: int) -> None:
        with busy:
            writer.write(rows, batch_id)

    # The source's Python processes get their environment from here, and never the URL as a visible option.
    spark.sparkContext.environment[URL_VARIABLE] = url
    spark.dataSource.register(ChunkSource)
    out = (
        spark.readStream.format("clickstream")
        .options(**options.to_options())
        .load()
        .writeStream.foreachBatch(write)
        .queryName("clickstream")
        .option("checkpointLocation", str(checkpoint))
    )
    return (out.trigger(availableNow=True) if available_now else out).start()


def spool_dir(settings: Settings) -> Path | None:
    """The directory that driver and tasks share: in the home on one machine, on a cluster where a setting names it."""
    return settings.spool_dir or (
        settings.home / "spool" if settings.spark_master.startswith("local") else None
    )


def _handover(options: SourceOptions, url: str) -> Handover:
    if options.handover == "rows":
        return JdbcHandover(url)
    if options.handover == "spool" and options.spool is not None:
        return SpoolHandover(options.spool)
    return UploadHandover(url)


def failure_cause(text: str) -> str:
    """The most telling line of a Spark exception: the last line of a Python traceback, where it has one."""
    lines = [line.strip() for line in text.split("=== Streaming Query ===")[0].splitlines() if line.strip()]
    named = [line for line in lines if re.match(r"[A-Za-z_][\w.]*: \S", line)]
    return (named or lines or ["without a word"])[-1][:500]
