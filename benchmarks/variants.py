"""The ways to load the same files that are compared: into the pipeline's own table, and into the leanest one.

Belongs here: one class a way, with what it promises. Does not belong here: rounds and figures (`throughput`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.place import Place
from clickstream_assets.database import connect
from clickstream_assets.settings import Sink
from spark.idle_workers import touch_workers
from spark.intake import Intake
from spark.lease import Lease
from spark.manifest import Manifest
from spark.sink.jdbc import jdbc_options
from spark.streaming_query import start_query

HAND = "hand_events"
COLUMNS = "event_id, user_id, session_id, action_type, product_id, event_time, price, user_agent"
# What a person would write: an id and a unique event id, without partitions and provenance.
HAND_TABLE = """CREATE TABLE hand_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, event_id uuid NOT NULL UNIQUE, user_id text, session_id text,
    action_type text, product_id text, event_time timestamptz NOT NULL, price numeric, user_agent text)"""
HAND_STAGING = """CREATE UNLOGGED TABLE hand_staging (
    event_id uuid, user_id text, session_id text, action_type text, product_id text, event_time timestamptz,
    price numeric, user_agent text)"""
# So that rows without provenance fit into our table; the pipeline's own rows always bring it.
PROVENANCE = ("batch_id", "file_id", "line_no")
SPARK_SCHEMA = (
    "event_id string, user_id string, session_id string, action_type string, product_id string, "
    "event_time timestamp, price decimal(18,2), user_agent string"
)


@dataclass(frozen=True)
class Variant:
    """`load` loads every file of the place and is what is timed; `reset` makes the table empty before."""

    name: str
    promise: str
    reset: Callable[[Place], None]
    load: Callable[[Place], None]
    table: str
    needs_jdbc: bool = False  # the driver


def variants(*, with_dlt: bool, only: Sequence[str] = ()) -> list[Variant]:
    """Ours, with which all are compared, and the others whose names begin with one of `only` (default: all)."""
    found = [
        Variant("pipeline, copy", "exactly once, dedup", _reset_pipeline, _pipeline("copy"), "events"),
        Variant(
            "pipeline, jdbc",
            "exactly once, dedup",
            _reset_pipeline,
            _pipeline("jdbc"),
            "events",
            needs_jdbc=True,
        ),
        Variant(
            "SQL by hand, our table", "dedup by ON CONFLICT", _reset_ours, _sql_by_hand("events"), "events"
        ),
        Variant(
            "COPY into our table", "none: a repeated id fails", _reset_ours, _raw_copy("events"), "events"
        ),
        Variant("SQL by hand, lean table", "dedup by ON CONFLICT", _reset_hand, _sql_by_hand(HAND), HAND),
        Variant("COPY into the lean table", "none: a repeated id fails", _reset_hand, _raw_copy(HAND), HAND),
        Variant(
            "usual Spark job, lean table",
            "none: a repeated id fails",
            _reset_spark,
            _usual_job,
            HAND,
            needs_jdbc=True,
        ),
    ]
    if with_dlt:
        found.append(
            Variant("dlt merge, lean table", "dedup by merge", _reset_dlt, _dlt, "dlt_events.events")
        )
    ours, *others = found
    return [ours, *(other for other in others if not only or other.name.startswith(tuple(only)))]


def _pipeline(sink: Sink) -> Callable[[Place], None]:
    def load(place: Place) -> None:
        failures: list[str] = []
        settings = replace(place.settings, sink=sink)
        lease = Lease(place.writer_url, "catch-up", None, failures.append)
        connection = connect(place.writer_url, "benchmarks-intake")
        try:
            manifest = Manifest(connection, lease.epoch)
            Intake(
                settings.events_dir, 0, manifest, lambda error: failures.append(str(error))
            ).register_present_files()
            busy = threading.Lock()
            spool = settings.home / "spool"
            query = start_query(
                place.spark, place.writer_url, settings, lease, busy, available_now=True, spool=spool
            )
            query.awaitTermination()
            if failures or query.exception() is not None:
                raise RuntimeError(f"the stream failed: {failures or query.exception()}")
        finally:
            connection.close()
            lease.release("benchmark")

    return load


def _reset_pipeline(place: Place) -> None:
    place.empty()
    # Spark ended its idle Python workers while the others loaded; a stream with a backlog has them, as it has its JVM.
    touch_workers(place.spark)


def _reset_hand(place: Place) -> None:
    place.run("DROP TABLE IF EXISTS hand_events, hand_staging", HAND_TABLE, HAND_STAGING, "CHECKPOINT")


def _reset_ours(place: Place) -> None:
    _reset_hand(place)
    place.run(*(f"ALTER TABLE events ALTER COLUMN {name} SET DEFAULT 0" for name in PROVENANCE))
    place.empty()


def _copy(cursor: Any, table: str, files: list[Path]) -> None:
    for file in files:
        with file.open("rb") as content:
            cursor.copy_expert(
                f"COPY {table} ({COLUMNS}) FROM STDIN (FORMAT csv, HEADER)", content, 1024 * 1024
            )


def _sql_by_hand(table: str) -> Callable[[Place], None]:
    def load(place: Place) -> None:
        connection = connect(place.owner_url, "benchmarks")
        try:
            with connection, connection.cursor() as cursor:
                _copy(cursor, "hand_staging", place.files)
                cursor.execute(
                    f"INSERT INTO {table} ({COLUMNS}) SELECT {COLUMNS} FROM hand_staging ON CONFLICT DO NOTHING"
                )
        finally:
            connection.close()

    return load


def _raw_copy(table: str) -> Callable[[Place], None]:
    def load(place: Place) -> None:
        connection = connect(place.owner_url, "benchmarks")
        try:
            with connection, connection.cursor() as cursor:
                _copy(cursor, table, place.files)
        finally:
            connection.close()

    return load


def _reset_spark(place: Place) -> None:
    _reset_hand(place)
    place.empty()


def _usual_job(place: Place) -> None:
    """What most tutorials show: Spark's file source, `foreachBatch`, `df.write.jdbc` in append mode."""
    options = jdbc_options(place.owner_url)

    def write(rows: Any, _: int) -> None:
        rows.write.format("jdbc").options(**options, dbtable=HAND).mode("append").save()

    source = place.spark.readStream.schema(SPARK_SCHEMA).option("header", "true").option("escape", '"')
    stream = source.csv(str(place.settings.events_dir)).writeStream.foreachBatch(write)
    stream = stream.option("checkpointLocation", str(place.settings.checkpoint_dir)).trigger(
        availableNow=True
    )
    stream.start().awaitTermination()


def _reset_dlt(place: Place) -> None:
    place.run(
        "DROP SCHEMA IF EXISTS dlt_events CASCADE",
        "DROP SCHEMA IF EXISTS dlt_events_staging CASCADE",
        "CHECKPOINT",
    )


def _dlt(place: Place) -> None:
    import dlt
    import pyarrow as pa
    from pyarrow import csv

    text = [name for name in COLUMNS.split(", ") if name not in ("event_time", "price")]
    types = dict.fromkeys(text, pa.string()) | {
        "event_time": pa.timestamp("us", "UTC"),
        "price": pa.decimal128(18, 2),
    }

    @dlt.resource(name="events", primary_key="event_id", write_disposition="merge")
    def rows() -> Any:
        for file in place.files:
            yield csv.read_csv(file, convert_options=csv.ConvertOptions(column_types=types))

    pipeline = dlt.pipeline(
        "clickstream_benchmark",
        pipelines_dir=str(place.settings.home / "dlt"),
        destination=dlt.destinations.postgres(place.owner_url),
        dataset_name="dlt_events",
    )
    pipeline.run(rows())
    pipeline.drop()
