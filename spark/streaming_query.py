"""The Spark query: source, cleaning and sink put together, and started.

Belongs here: which options each gets, and what Spark says of its end. Does not belong here: the parts themselves
(`source`, `cleaning`, `micro_batch`), when the query starts and stops (`stream`).
"""

from __future__ import annotations

import logging
import os
import re
import threading

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming import StreamingQuery

from clickstream_assets.settings import Settings
from spark import offset_log
from spark.batch import Outcome
from spark.cleaning import UNMAPPED, cleaning_sql, on_records
from spark.copy_text import copy_text_sql
from spark.lease import Lease
from spark.micro_batch import MicroBatchWriter
from spark.source import URL_VARIABLE, ChunkSource
from spark.source_mapping import SourceMapping

log = logging.getLogger("clickstream.stream")


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


def failure_cause(text: str) -> str:
    """The most telling line of a Spark exception: the last line of a Python traceback, where it has one."""
    lines = [line.strip() for line in text.split("=== Streaming Query ===")[0].splitlines() if line.strip()]
    named = [line for line in lines if re.match(r"[A-Za-z_][\w.]*: \S", line)]
    return (named or lines or ["without a word"])[-1][:500]
