"""What most tutorials show: Spark's file source, `foreachBatch`, `df.write.jdbc` in append mode.

In the session of a place it has the pipeline's settings of Spark; as a program (`benchmarks.latency.usual_job`) those
that Spark has by itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql.streaming import StreamingQuery

from benchmarks.place import Place, jdbc_options
from benchmarks.variants.hand import LEAN, reset_lean
from benchmarks.variants.variant import Variant

SCHEMA = (
    "event_id string, user_id string, session_id string, action_type string, product_id string, "
    "event_time timestamp, price decimal(18,2), user_agent string"
)


def start_usual_job(
    spark: SparkSession, source: Path, checkpoint: Path, url: str, *, available_now: bool
) -> StreamingQuery:
    """Load the files of `source` into the lean table; with the default trigger unless `available_now`."""
    options = jdbc_options(url)

    def write(rows: Any, _: int) -> None:
        rows.write.format("jdbc").options(**options, dbtable=LEAN).mode("append").save()

    reader = spark.readStream.schema(SCHEMA).option("header", "true").option("escape", '"')
    writer = reader.csv(str(source)).writeStream.foreachBatch(write)
    writer = writer.option("checkpointLocation", str(checkpoint))
    return (writer.trigger(availableNow=True) if available_now else writer).start()


def _reset(place: Place) -> None:
    reset_lean(place)
    place.empty()


def _load(place: Place) -> None:
    settings = place.settings
    start_usual_job(
        place.spark, settings.events_dir, settings.checkpoint_dir, place.owner_url, available_now=True
    ).awaitTermination()


USUAL_JOB = Variant(
    "usual Spark job, lean table",
    "none: a repeated id or a bad row fails, a retried task repeats rows",
    _reset,
    _load,
    LEAN,
    needs_jdbc=True,
)
