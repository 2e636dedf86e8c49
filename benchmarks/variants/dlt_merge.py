"""dlt, where it is installed: Arrow tables merged on the key."""

from __future__ import annotations

from typing import Any

from benchmarks.place import Place
from benchmarks.statements import statement
from benchmarks.variants.variant import Variant

TEXTS = ("event_id", "user_id", "session_id", "action_type", "product_id", "user_agent")


def _reset(place: Place) -> None:
    place.run(statement("drop_dlt"), statement("checkpoint"))


def _load(place: Place) -> None:
    import dlt
    import pyarrow as pa
    from pyarrow import csv

    types = dict.fromkeys(TEXTS, pa.string()) | {
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


DLT = Variant("dlt merge, lean table", "dedup by merge", _reset, _load, "dlt_events.events")
