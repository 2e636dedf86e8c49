"""Micro-batches and refreshes as events of OpenLineage: plain JSON, as its specification 2-0-2 has it.

Which events are due: `outbox`. Sending them: `sending`.

An event's run id is made from what it is about. A catalogue that is sent an event twice therefore has one run.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clickstream_assets.contract import FIELDS, NAMESPACE
from clickstream_assets.lineage.address import DatabaseAddress
from clickstream_assets.lineage.columns import COLUMN_SOURCES, FILES
from clickstream_assets.lineage.tables import table_columns, table_comment

PRODUCER = "urn:clickstream-assets"
SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
FACETS = "https://openlineage.io/spec/facets/{version}/{name}.json#/$defs/{name}"
STREAM_JOB = "spark_stream"
REFRESH_JOB = "refresh_summaries"

Json = dict[str, Any]


@dataclass(frozen=True)
class Batch:
    """A committed micro-batch. Times are with a zone."""

    batch_id: int
    started_at: datetime
    committed_at: datetime
    files: int
    rows_read: int
    rows_inserted: int
    rows_rejected: int


@dataclass(frozen=True)
class Refresh:
    """A summary as its last refresh or rebuild left it."""

    summary: str
    through_batch_id: int
    done_at: datetime


@dataclass(frozen=True)
class Place:
    """Where it happens. `namespace` is that of the jobs: one for each installation."""

    namespace: str
    database: DatabaseAddress
    events_dir: str

    def dataset(self, asset: str) -> Json:
        """Its name, as OpenLineage names files and tables of PostgreSQL."""
        if asset == FILES:
            return {"namespace": "file", "name": self.events_dir}
        return {"namespace": self.database.namespace, "name": self.database.table_name(asset)}


def of_batch(batch: Batch, place: Place) -> Json:
    """The event of a micro-batch: files became events and rejected events."""
    read = _facet(
        "1-0-0", "InputStatisticsInputDatasetFacet", rowCount=batch.rows_read, fileCount=batch.files
    )
    return _event(
        batch.committed_at,
        _run_id(place, "batch", str(batch.batch_id), batch.committed_at),
        {
            "nominalTime": _facet(
                "1-0-1",
                "NominalTimeRunFacet",
                nominalStartTime=_time(batch.started_at),
                nominalEndTime=_time(batch.committed_at),
            )
        },
        _job(place, STREAM_JOB, "STREAMING", "SPARK"),
        [{**_files(place), "inputFacets": {"inputStatistics": read}}],
        [
            {**_table(place, table), "outputFacets": {"outputStatistics": _written(rows)}}
            for table, rows in (("events", batch.rows_inserted), ("rejected_events", batch.rows_rejected))
        ],
    )


def of_refresh(refresh: Refresh, place: Place) -> Json:
    """The event of a refresh: a summary took batches in, or was recomputed."""
    table = refresh.summary
    sources = {asset for column in COLUMN_SOURCES[table].values() for asset, _ in column}
    version = _facet("1-0-1", "DatasetVersionDatasetFacet", datasetVersion=str(refresh.through_batch_id))
    output = _table(place, table)
    return _event(
        refresh.done_at,
        _run_id(place, table, str(refresh.through_batch_id), refresh.done_at),
        {},
        _job(place, f"{REFRESH_JOB}.{table}", "BATCH", "DAGSTER"),
        [place.dataset(source) for source in sorted(sources)],
        [{**output, "facets": {**output["facets"], "version": version}}],
    )


def _event(
    at: datetime, run_id: str, run_facets: Json, job: Json, inputs: list[Json], outputs: list[Json]
) -> Json:
    return {
        "eventType": "COMPLETE",
        "eventTime": _time(at),
        "producer": PRODUCER,
        "schemaURL": SCHEMA,
        "run": {"runId": run_id, "facets": run_facets},
        "job": job,
        "inputs": inputs,
        "outputs": outputs,
    }


def _job(place: Place, name: str, processing: str, integration: str) -> Json:
    kind = _facet(
        "2-0-4", "JobTypeJobFacet", processingType=processing, integration=integration, jobType="JOB"
    )
    return {"namespace": place.namespace, "name": name, "facets": {"jobType": kind}}


def _files(place: Place) -> Json:
    of_events = {column.name: column.comment for column in table_columns("events")}
    fields = [(field, "text", of_events[field]) for field in FIELDS]
    return {**place.dataset(FILES), "facets": {"schema": _schema(fields)}}


def _table(place: Place, table: str) -> Json:
    columns = [(column.name, column.type, column.comment) for column in table_columns(table)]
    made_from = {
        column: {"inputFields": [{**place.dataset(asset), "field": field} for asset, field in sources]}
        for column, sources in COLUMN_SOURCES[table].items()
    }
    return {
        **place.dataset(table),
        "facets": {
            "documentation": _facet("1-1-0", "DocumentationDatasetFacet", description=table_comment(table)),
            "schema": _schema(columns),
            "columnLineage": _facet("1-2-0", "ColumnLineageDatasetFacet", fields=made_from),
        },
    }


def _schema(fields: Iterable[tuple[str, str, str]]) -> Json:
    described = [{"name": name, "type": kind, "description": text} for name, kind, text in fields]
    return _facet("1-2-0", "SchemaDatasetFacet", fields=described)


def _written(rows: int) -> Json:
    return _facet("1-0-2", "OutputStatisticsOutputDatasetFacet", rowCount=rows)


def _facet(version: str, name: str, **values: object) -> Json:
    return {
        "_producer": PRODUCER,
        "_schemaURL": FACETS.format(version=version, name=name),
        **values,
    }


def _run_id(place: Place, kind: str, number: str, at: datetime) -> str:
    """The time is part of it: the numbers begin again with a new database in the same place."""
    name = "/".join(
        (place.namespace, place.database.namespace, place.database.database, kind, number, _time(at))
    )
    return str(uuid.uuid5(NAMESPACE, name))


def _time(at: datetime) -> str:
    return at.isoformat()
