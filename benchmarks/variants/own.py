"""This pipeline, by either sink, within the Spark session of the place."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from benchmarks.place import Place
from benchmarks.variants.variant import Variant
from clickstream_assets.contract import Sink
from clickstream_assets.database import connect
from spark.discovery.place import EventsPlace
from spark.intake.intake import Intake
from spark.intake.manifest import Manifest
from spark.lease import Lease
from spark.stream.query import start_query
from spark.stream.settings import StreamSettings

PROMISE = "exactly once: dedup, rejects, ledger, provenance"


def _pipeline(sink: Sink) -> Callable[[Place], None]:
    def load(place: Place) -> None:
        failures: list[str] = []
        settings = place.settings.changed(sink=sink)
        lease = Lease(place.writer_url, "catch-up", None, failures.append)
        connection = connect(place.writer_url, "benchmarks-intake")
        try:
            manifest = Manifest(lambda: connection, lease.epoch)
            root = EventsPlace(os.fsencode(settings.events_dir))
            intake = Intake(root, manifest, lambda error: failures.append(str(error)))
            registered = settings.home / "registered"
            registered.unlink(missing_ok=True)
            intake.start_with_present_files(registered.touch)
            query = start_query(
                place.spark,
                StreamSettings(settings, place.writer_url, available_now=True, spool=settings.home / "spool"),
                lease,
                threading.Lock(),
                registered=registered,
            )
            try:
                query.wait()
            finally:
                intake.stop()
                query.stop()
            if failures:
                raise RuntimeError(f"the stream failed: {failures}")
        finally:
            connection.close()
            lease.release("benchmark")

    return load


def _reset(place: Place) -> None:
    place.empty()
    place.warm_up_tasks()


COPY = Variant("pipeline, copy", PROMISE, _reset, _pipeline("copy"), "events")
JDBC = Variant("pipeline, jdbc", PROMISE, _reset, _pipeline("jdbc"), "events", needs_jdbc=True)
