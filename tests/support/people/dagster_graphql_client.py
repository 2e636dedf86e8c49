"""Dagster asked as its pages do, by GraphQL: launching and ending runs, switching sensors, wiping assets."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Any

from up_stack import Up, until

RUN_LIMIT = 240.0  # seconds
ENDED = ("SUCCESS", "FAILURE", "CANCELED")

_REPOSITORY = {"repositoryLocationName": "clickstream", "repositoryName": "__repository__"}
_LAUNCH = """mutation($params: ExecutionParams!) { launchPipelineExecution(executionParams: $params) {
    __typename ... on LaunchRunSuccess { run { runId } } } }"""
_STATE = """query($sensor: SensorSelector!) { sensorOrError(sensorSelector: $sensor) {
    ... on Sensor { sensorState { id } } } }"""

_STATUS = "query($run: ID!) { runOrError(runId: $run) { ... on Run { status } } }"
_RUNS = (
    """query($filter: RunsFilter!) { runsOrError(filter: $filter) { ... on Runs { results { runId } } } }"""
)
_FAILURES = """query($run: ID!) { logsForRun(runId: $run) { ... on EventConnection { events { __typename
    ... on ExecutionStepFailureEvent { error { message } failureMetadata { description } } } } } }"""
_INSTIGATORS = """query($repository: RepositorySelector!) { repositoryOrError(repositorySelector: $repository) {
    ... on Repository { sensors { name } schedules { name } } } }"""
_TICK = """query($sensor: SensorSelector!) { sensorOrError(sensorSelector: $sensor) { ... on Sensor {
    sensorState { ticks(limit: 1) { skipReason error { message } } } } } }"""
_SCHEDULE_STATE = """query($it: ScheduleSelector!) { scheduleOrError(scheduleSelector: $it) {
    ... on Schedule { scheduleState { id } } } }"""


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


def launch_job(up: Up, job: str, config: dict[str, object] | None = None) -> str:
    """Launch a job from its launchpad. Returns the run; an empty text where Dagster refuses."""
    params = {
        "selector": _REPOSITORY | {"pipelineName": job},
        "mode": "default",
        "runConfigData": config or {},
    }
    done = ask(up, _LAUNCH, params=params)["launchPipelineExecution"]
    return str(done["run"]["runId"]) if "run" in done else ""


def status_of(up: Up, run: str) -> str:
    return str(ask(up, _STATUS, run=run)["runOrError"]["status"])


def end_of(up: Up, run: str) -> str:
    until(lambda: status_of(up, run) in ENDED, f"the run {run} ends", RUN_LIMIT)
    return status_of(up, run)


def failures_of(up: Up, run: str) -> list[str]:
    """What the page of a run says of its failed steps, and of each further attempt."""
    events = ask(up, _FAILURES, run=run)["logsForRun"]["events"]
    said = []
    for event in events:
        if event["__typename"] == "ExecutionStepFailureEvent":
            said.append((event["failureMetadata"] or {}).get("description") or event["error"]["message"])
        elif event["__typename"] == "ExecutionStepUpForRetryEvent":
            said.append("another attempt")
    return said


def runs_of(up: Up, job: str, *statuses: str) -> list[str]:
    runs = ask(up, _RUNS, filter={"pipelineName": job, "statuses": list(statuses)})["runsOrError"]["results"]
    return [run["runId"] for run in runs]


def delete_run(up: Up, run: str) -> None:
    ask(up, "mutation($run: String!) { deleteRun(runId: $run) { __typename } }", run=run)


def terminate(up: Up, run: str, *, by_force: bool = False) -> None:
    """`by_force`: marked as cancelled at once, whether its process has ended or not."""
    mutation = """mutation($run: String!, $policy: TerminateRunPolicy) {
        terminateRun(runId: $run, terminatePolicy: $policy) { __typename } }"""
    ask(up, mutation, run=run, policy="MARK_AS_CANCELED_IMMEDIATELY" if by_force else "SAFE_TERMINATE")


def wipe(up: Up, *assets: str) -> None:
    mutation = """mutation($ranges: [PartitionsByAssetSelector!]!) {
        wipeAssets(assetPartitionRanges: $ranges) { __typename } }"""
    ask(up, mutation, ranges=[{"assetKey": {"path": [asset]}} for asset in assets])


def set_cursor(up: Up, sensor: str, cursor: str | None) -> None:
    mutation = """mutation($sensor: SensorSelector!, $cursor: String) {
        setSensorCursor(sensorSelector: $sensor, cursor: $cursor) { __typename } }"""
    ask(up, mutation, sensor=_sensor(sensor), cursor=cursor)


def last_tick(up: Up, sensor: str) -> str:
    """What the history of a sensor says of its last tick."""
    ticks = ask(up, _TICK, sensor=_sensor(sensor))["sensorOrError"]["sensorState"]["ticks"]
    return " ".join(str(tick["skipReason"] or (tick["error"] or {}).get("message", "")) for tick in ticks)


def instigators(up: Up) -> dict[str, list[str]]:
    """The names of all sensors and of all schedules."""
    found = ask(up, _INSTIGATORS, repository=_REPOSITORY)["repositoryOrError"]
    return {kind: [one["name"] for one in found[kind]] for kind in ("sensors", "schedules")}


def switch_schedule(up: Up, schedule: str, *, on: bool) -> None:
    """The switch of a schedule."""
    selector = _REPOSITORY | {"scheduleName": schedule}
    if on:
        start = "mutation($it: ScheduleSelector!) { startSchedule(scheduleSelector: $it) { __typename } }"
        ask(up, start, it=selector)
    else:
        state = ask(up, _SCHEDULE_STATE, it=selector)["scheduleOrError"]["scheduleState"]["id"]
        ask(up, "mutation($id: String!) { stopRunningSchedule(id: $id) { __typename } }", id=state)


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
