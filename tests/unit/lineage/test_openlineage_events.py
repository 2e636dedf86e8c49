"""Events of OpenLineage: read again by its own client's classes, which take what the specification has and no more."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from openlineage.client import event_v2, facet_v2

from clickstream_assets.lineage.address import DatabaseAddress
from clickstream_assets.lineage.columns import COLUMN_SOURCES
from clickstream_assets.lineage.openlineage import Batch, Place, Refresh, of_batch, of_refresh
from clickstream_assets.lineage.tables import table_columns

AT = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
PLACE = Place("clickstream", DatabaseAddress("db.example", "5433", "shop"), "/srv/event files")
BATCH = Batch(7, AT - timedelta(seconds=1), AT, files=2, rows_read=10, rows_inserted=7, rows_rejected=1)
REFRESHES = [Refresh(name, 7, AT) for name in COLUMN_SOURCES if name not in ("events", "rejected_events")]
EVENTS = [of_batch(BATCH, PLACE), *(of_refresh(refresh, PLACE) for refresh in REFRESHES)]
IDS = [event["job"]["name"] for event in EVENTS]
FACET_CLASSES = {
    "nominalTime": facet_v2.nominal_time_run.NominalTimeRunFacet,
    "jobType": facet_v2.job_type_job.JobTypeJobFacet,
    "inputStatistics": facet_v2.input_statistics_input_dataset.InputStatisticsInputDatasetFacet,
    "outputStatistics": facet_v2.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet,
    "documentation": facet_v2.documentation_dataset.DocumentationDatasetFacet,
    "schema": facet_v2.schema_dataset.SchemaDatasetFacet,
    "columnLineage": facet_v2.column_lineage_dataset.ColumnLineageDatasetFacet,
    "version": facet_v2.dataset_version_dataset.DatasetVersionDatasetFacet,
}


def facets_of(event: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    parts = [event["run"], event["job"], *event["inputs"], *event["outputs"]]
    kinds = ("facets", "inputFacets", "outputFacets")
    return [facet for part in parts for kind in kinds for facet in part.get(kind, {}).items()]


@pytest.mark.parametrize("event", EVENTS, ids=IDS)
def test_an_event_is_what_the_specification_says(event: dict[str, Any]) -> None:
    assert json.loads(json.dumps(event)) == event
    read = event_v2.RunEvent(
        eventType=event_v2.RunState[event["eventType"]],
        eventTime=event["eventTime"],
        run=event_v2.Run(event["run"]["runId"], {}),
        job=event_v2.Job(event["job"]["namespace"], event["job"]["name"], {}),
        producer=event["producer"],
    )
    assert read.schemaURL == event["schemaURL"]
    assert set(event) == {
        *("eventType", "eventTime", "producer", "schemaURL", "run", "job", "inputs", "outputs"),
    }


@pytest.mark.parametrize("event", EVENTS, ids=IDS)
def test_a_facet_has_the_fields_and_the_address_of_its_schema(event: dict[str, Any]) -> None:
    facets = facets_of(event)
    assert facets
    for name, facet in facets:
        own = {field: value for field, value in facet.items() if not field.startswith("_")}
        read = FACET_CLASSES[name](**own)
        assert facet["_schemaURL"] == read._schemaURL


def test_the_lineage_of_columns_names_columns_that_there_are() -> None:
    event = of_refresh(Refresh("sessions", 7, AT), PLACE)
    (output,) = event["outputs"]
    fields = output["facets"]["columnLineage"]["fields"]
    assert set(fields) == {column.name for column in table_columns("sessions")}
    assert {"namespace": "postgres://db.example:5433", "name": "shop.public.events", "field": "user_id"} in (
        fields["user_id"]["inputFields"]
    )
    assert [dataset["name"] for dataset in event["inputs"]] == [
        "shop.public.events",
        "shop.public.user_agents",
    ]


def test_the_same_thing_has_the_same_run_id_and_another_one_has_another() -> None:
    first = of_batch(BATCH, PLACE)["run"]["runId"]
    assert of_batch(BATCH, PLACE)["run"]["runId"] == first
    others = [
        of_batch(replace(BATCH, batch_id=8), PLACE),
        of_batch(replace(BATCH, committed_at=AT + timedelta(seconds=1)), PLACE),
        of_batch(BATCH, replace(PLACE, namespace="shop")),
        *EVENTS[1:],
    ]
    ids = [event["run"]["runId"] for event in others]
    assert len({first, *ids}) == 1 + len(ids)


def test_rows_are_counted_where_they_went() -> None:
    event = of_batch(BATCH, PLACE)
    assert event["inputs"][0]["name"] == "/srv/event files"
    assert event["inputs"][0]["inputFacets"]["inputStatistics"]["rowCount"] == 10
    written = {
        output["name"]: output["outputFacets"]["outputStatistics"]["rowCount"] for output in event["outputs"]
    }
    assert written == {"shop.public.events": 7, "shop.public.rejected_events": 1}
