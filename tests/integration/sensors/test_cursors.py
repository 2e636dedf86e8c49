"""Cursors that a person has set in Dagster's pages. Guards against a sensor that fails at every tick from then on, and
against one that keeps silent."""

from __future__ import annotations

import json

import dagster as dg
import pytest
from control_plane import ControlPlane
from ledger_books import LedgerBooks, Part

from clickstream_assets.sensors.alerts import alerts
from clickstream_assets.sensors.first_look import first_look
from clickstream_assets.sensors.sensors import ingest_progress

FAR = 10**12
GARBAGE = (
    "garbage",
    "null",
    "[]",
    "0",
    '"\\u0000"',
    "{",
    json.dumps({"batch_id": "x"}),
    json.dumps({"batch_id": -1, "file_id": 10**30}),
    json.dumps({"batch_id": FAR, "file_id": FAR, "at": 0}),
    json.dumps({"batch_id": 0, "file_id": FAR, "at": -1e300}),
    json.dumps({"batch_id": 1, "file_id": FAR, "at": float("nan")}),
    json.dumps({"at": float("inf")}),
    json.dumps({"raised": 5}),
    json.dumps({"runs_until": 1e300, "next_attempt_at": float("inf")}),
    json.dumps({"pending": [{}], "raised": {"stream": None}}),
)


@pytest.mark.parametrize("cursor", GARBAGE)
def test_progress_reports_everything_anew_whatever_its_cursor_was_set_to(
    control: ControlPlane, cursor: str
) -> None:
    control.settings = control.settings.model_copy(update={"refresh_seconds": 0.0})
    books = LedgerBooks(control.database.owner_url)
    for name in ("a.csv", "b.csv"):
        books.commit(Part(books.add_file(name, expected=1, chunks=1), inserted=1))
    control.cursors[ingest_progress.name] = cursor
    found = {
        event.asset_key.to_user_string(): event.metadata
        for event in control.tick(ingest_progress).asset_events
        if isinstance(event, dg.AssetMaterialization)
    }
    assert found["events"]["rows_inserted"].value >= 1
    assert found["event_files"]["files"].value == 2
    assert control.tick(ingest_progress).asset_events == []


@pytest.mark.parametrize("cursor", GARBAGE)
def test_alerts_and_the_first_look_go_on_whatever_their_cursors_were_set_to(
    control: ControlPlane, cursor: str
) -> None:
    control.settings = control.settings.changed(alert_webhook_url="http://127.0.0.1:9/")
    for sensor in (alerts, first_look):
        control.cursors[sensor.name] = cursor
        control.tick(sensor)
        control.tick(sensor)
