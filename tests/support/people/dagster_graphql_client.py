"""Dagster asked as its pages do, by GraphQL: launching runs, and switching sensors."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Any

from up_stack import Up

_REPOSITORY = {"repositoryLocationName": "clickstream", "repositoryName": "__repository__"}
_LAUNCH = """mutation($params: ExecutionParams!) { launchPipelineExecution(executionParams: $params) {
    __typename ... on LaunchRunSuccess { run { runId } } } }"""
_STATE = """query($sensor: SensorSelector!) { sensorOrError(sensorSelector: $sensor) {
    ... on Sensor { sensorState { id } } } }"""


def ask(up: Up, query: str, **variables: object) -> dict[str, Any]:
    """Dagster's answer, asked for again as a person would."""
    request = urllib.request.Request(  # noqa: S310
        f"{up.url}/graphql",
        json.dumps({"query": query, "variables": variables}).encode(),
        {"Content-Type": "application/json"},
    )
    for left in reversed(range(5)):
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                data: dict[str, Any] = json.load(answer)["data"]
                return data
        except (
            urllib.error.URLError,
            ConnectionError,
        ):  # a dropped session, or a webserver that starts again
            if not left:
                raise
            time.sleep(1)
    raise AssertionError


def launch(up: Up, *assets: str, config: dict[str, object] | None = None) -> str:
    """Materialize, as the button does. Returns the run; an empty text where Dagster refuses what was given."""
    selector = _REPOSITORY | {
        "pipelineName": "__ASSET_JOB",
        "assetSelection": [{"path": [asset]} for asset in assets],
    }
    params = {"selector": selector, "mode": "default", "runConfigData": config or {}}
    done = ask(up, _LAUNCH, params=params)["launchPipelineExecution"]
    return str(done["run"]["runId"]) if "run" in done else ""


def switch(up: Up, sensor: str, *, on: bool) -> None:
    """The switch of a sensor."""
    if on:
        start = "mutation($sensor: SensorSelector!) { startSensor(sensorSelector: $sensor) { __typename } }"
        ask(up, start, sensor=_sensor(sensor))
    else:
        stop = "mutation($id: String!) { stopSensor(id: $id) { __typename } }"
        ask(up, stop, id=sensor_state_id(up, sensor))


def sensor_state_id(up: Up, sensor: str) -> str:
    return str(ask(up, _STATE, sensor=_sensor(sensor))["sensorOrError"]["sensorState"]["id"])


def _sensor(name: str) -> dict[str, str]:
    return _REPOSITORY | {"sensorName": name}
