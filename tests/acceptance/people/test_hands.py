"""What people do to a running Dagster with its buttons, one thing at a time, each as a person does it: what is shown
then is so, and the stream is well again.

The random mixture of it is `test_hammer`. Its home has a blank in its path.
"""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from alert_receiver import Receiver
from dagster_graphql_client import (
    ask,
    delete_run,
    end_of,
    failures_of,
    instigators,
    last_tick,
    launch,
    launch_job,
    runs_of,
    status_of,
    switch,
    switch_schedule,
    terminate,
    wipe,
)
from databases import run_sql
from hammer import drivers
from shown_graph import read_graph
from up_stack import Up, until

from clickstream_assets.checks.event_checks import EVENT_CHECKS
from clickstream_assets.monitoring.dagster_state import read_dagster_state
from clickstream_assets.monitoring.status import read_status
from clickstream_assets.monitoring.status_json import status_json
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.settings import Settings
from clickstream_assets.supervision.limits import UNSUPERVISED_AFTER

# With the faults: what each of these is about has quick tests beside its module, and a whole stack takes minutes.
pytestmark = [pytest.mark.spark, pytest.mark.faults, pytest.mark.timeout(900)]

SHOWN_WITHIN = 60.0  # seconds until what is shown is what is so
STARTED_WITHIN = 240.0  # seconds: Spark starts, on a busy machine
HEADER = b"event_id,user_id,session_id,action_type,product_id,event_time,price,user_agent\n"
ODD_ROWS = b"\x00\x01,u\x00,s,view,p,not a time \xff\xfe,1,\x00Mozilla\r\n" * 2
TABLES = ("events", "rejected_events")


@pytest.fixture
def running(up: Up) -> Up:
    up.start()
    until(lambda: stream(up)["state"] in ("running", "idle", "behind"), "a stream", STARTED_WITHIN)
    return up


def status(up: Up) -> dict[str, Any]:
    """What `clickstream status --json` says, without a process for it."""
    settings = Settings.from_env({"CLICKSTREAM_HOME": str(up.home)})
    connections = Connections(settings, "tests")
    with connections.open("reader") as connection:
        dagster = read_dagster_state(connections)
        found = read_status(connection, settings.events_directory, dagster=dagster, home=settings.home)
    return status_json(found)


def stream(up: Up) -> dict[str, Any]:
    return dict(status(up)["stream"])


def lease(up: Up, column: str) -> Any:
    url = Connections(Settings.from_env({"CLICKSTREAM_HOME": str(up.home)})).url("owner")
    return run_sql(url, f"SELECT {column} FROM stream_lease")[0][0]


def shows_all_checks(up: Up) -> bool:
    checks = read_graph(up)["events"].checks
    return all(checks.get(name) is not None for name in EVENT_CHECKS)


def is_well(up: Up) -> bool:
    return stream(up)["state"] in ("running", "idle") and len(drivers(up)) == 1


def kill_the_driver(up: Up) -> None:
    for process in drivers(up):
        process.kill()


NONSENSE: dict[str, tuple[tuple[str, ...], str, dict[str, Any], str]] = {
    "ten million files": (("event_files",), "event_files", {"files": 10_000_000}, "lands at most 10,000 at once"),
    "a null": (("event_files",), "event_files", {"events": None}, "events is null"),
    "a negative time": (TABLES, "catch_up", {"timeout_seconds": -1.0}, "give seconds, 0 or more"),
    "the last day": (("sessions",), "refresh_summaries", {"mode": "rebuild", "day": "9999-12-31"}, "the last that"),
}  # fmt: skip


def test_buttons_that_cannot_do_what_is_asked_say_so_in_one_sentence_and_leave_the_graph_as_it_is(
    running: Up,
) -> None:
    up = running
    hidden = up.home / "events" / ".odd"
    hidden.write_bytes(HEADER + ODD_ROWS)
    hidden.rename(up.home / "events" / "odd.csv")
    refused = {
        name: launch(up, *assets, config={"ops": {op: {"config": config}}})
        for name, (assets, op, config, _) in NONSENSE.items()
    }
    for name, run in refused.items():
        assert end_of(up, run) == "FAILURE"
        (said,) = failures_of(up, run)
        assert NONSENSE[name][-1] in said
        assert "\n" not in said
    assert not list(up.home.glob("events/*9999*"))

    # The README's tour, with any bytes among the newest rejects; and one table alone, as the API can.
    assert end_of(up, launch(up, "event_files", config=_files(200, 2))) == "SUCCESS"
    assert end_of(up, launch(up, *TABLES)) == "SUCCESS"
    assert end_of(up, launch(up, "events")) == "SUCCESS"

    wipe(up, "events", "event_files")
    wiped = time.monotonic()
    until(lambda: shows_all_checks(up), "every check is shown again", SHOWN_WITHIN)
    until(
        lambda: _is_materialized(up, "event_files", "events"), "what was wiped is shown again", SHOWN_WITHIN
    )
    assert time.monotonic() - wiped < SHOWN_WITHIN
    assert not {name: asset.stale for name, asset in read_graph(up).items() if asset.stale}


def _files(events: int, files: int) -> dict[str, object]:
    return {"ops": {"event_files": {"config": {"events": events, "files": files}}}}


def _is_materialized(up: Up, *assets: str) -> bool:
    graph = read_graph(up)
    return all(graph[asset].materialized_at is not None for asset in assets)


@pytest.fixture
def all_off(running: Up) -> Iterator[list[tuple[str, str]]]:
    """Every sensor and schedule of ours is switched off: kind and name of each."""
    up, names = running, instigators(running)
    ours = [("sensor", name) for name in names["sensors"]]
    ours += [("schedule", name) for name in names["schedules"]]
    _switch(up, ours, on=False)
    yield ours
    _switch(up, ours, on=True)


def _switch(up: Up, instigators: list[tuple[str, str]], *, on: bool) -> None:
    for kind, name in instigators:
        (switch if kind == "sensor" else switch_schedule)(up, name, on=on)


def test_each_sensor_and_schedule_that_is_off_is_named_by_status_up_and_alerts(
    running: Up, all_off: list[tuple[str, str]], receiver: Receiver
) -> None:
    up, named = running, {f"{kind} {name}" for kind, name in all_off}
    until(lambda: _named_as_off(up) == named, "status names each of them", SHOWN_WITHIN)
    until(lambda: all(f"{one} is switched off" in up.said() for one in named), "so does up", SHOWN_WITHIN)
    switch(up, "alerts", on=True)
    # A schedule is a warning, and warnings are not sent.
    others = {f"sensor {name}" for kind, name in all_off if kind == "sensor" and name != "alerts"}
    until(lambda: others <= _alerted(receiver, "error"), "so do the alerts", SHOWN_WITHIN)
    _switch(up, all_off, on=True)
    until(lambda: _named_as_off(up) == set(), "nothing is off", SHOWN_WITHIN)
    until(lambda: others <= _alerted(receiver, "recovered"), "it is told that they are on", SHOWN_WITHIN)


def _named_as_off(up: Up) -> set[str]:
    off = " is switched off"
    said = status(up)["dagster"]["complaints"]
    return {one.removesuffix(off).removeprefix("the ") for one in said if one.endswith(off)}


def _alerted(receiver: Receiver, status: str) -> set[str]:
    """The subjects of the alerts that came with this status."""
    found = set()
    for _, alert in receiver.alerts:
        for message in alert["attachments"]:
            fields = {field["title"]: field["value"] for field in message["fields"]}
            if fields["status"] == status:
                found.add(str(fields["subject"]))
    return found


def test_where_nobody_measures_the_checks_dagster_itself_says_so_within_five_minutes(running: Up) -> None:
    up = running
    switch(up, "event_check_results", on=False)
    until(lambda: read_graph(up)["checks_reported"].freshness in ("WARNING", "DEGRADED"), "it turns", 300.0)
    switch(up, "event_check_results", on=True)
    until(
        lambda: read_graph(up)["checks_reported"].freshness == "HEALTHY", "it is well again", 2 * SHOWN_WITHIN
    )


def test_a_supervisor_that_does_not_look_is_named_and_starts_the_stream_once_it_is_on(running: Up) -> None:
    up = running
    switch(up, "spark_stream_supervisor", on=False)
    kill_the_driver(up)
    until(
        lambda: "the supervisor has not looked since" in up.run("status"),
        "status says that nobody looks",
        UNSUPERVISED_AFTER + 15,
    )
    assert "SIGKILL" in stream(up)["reason"]
    switch(up, "spark_stream_supervisor", on=True)
    until(lambda: is_well(up), "the stream is back", STARTED_WITHIN)


def test_a_stream_whose_run_was_deleted_or_ended_by_force_goes_on_and_ends_when_that_is_wanted(
    running: Up,
) -> None:
    up = running
    before = lease(up, "epoch")
    for run in runs_of(up, "spark_stream", "STARTED"):
        delete_run(up, run)
    until(
        lambda: "does not know its run" in last_tick(up, "spark_stream_supervisor"),
        "it is said",
        SHOWN_WITHIN,
    )
    stored = status(up)["totals"]["rows_inserted"]
    until(lambda: status(up)["totals"]["rows_inserted"] > stored, "it goes on", SHOWN_WITHIN)
    assert lease(up, "epoch") == before
    assert end_of(up, launch_job(up, "stop_stream")) == "SUCCESS"
    assert (stream(up)["state"], drivers(up)) == ("stopped", [])
    assert end_of(up, launch_job(up, "start_stream")) == "SUCCESS"
    until(lambda: is_well(up), "it is back", STARTED_WITHIN)

    for run in runs_of(up, "spark_stream", "STARTED"):
        terminate(up, run, by_force=True)
    until(lambda: lease(up, "epoch") > before + 1, "its successor has the lease", STARTED_WITHIN)
    until(lambda: is_well(up), "there is one stream", STARTED_WITHIN)


def test_a_killed_stream_comes_back_before_waiting_catch_ups_and_its_death_keeps_its_reason(
    running: Up,
) -> None:
    up = running
    second = launch_job(up, "spark_stream")
    until(lambda: status_of(up, second) == "QUEUED", "a second stream has to wait", SHOWN_WITHIN)
    terminate(up, second)
    until(lambda: status_of(up, second) == "CANCELED", "it is cancelled", SHOWN_WITHIN)

    before = lease(up, "epoch")
    kill_the_driver(up)
    until(lambda: "SIGKILL" in str(lease(up, "last_reason")), "the reason is the killed one's", SHOWN_WITHIN)
    catch_ups = [launch(up, *TABLES) for _ in range(2)]
    refresh = launch(up, "hourly_traffic")
    seen = {"STARTED": 0}

    def has_taken_the_lease() -> bool:
        at_once = sum(status_of(up, run) in ("STARTED", "STARTING") for run in catch_ups)
        seen["STARTED"] = max(seen["STARTED"], at_once)
        return bool(lease(up, "epoch") > before)

    until(has_taken_the_lease, "somebody has the lease", STARTED_WITHIN)
    assert lease(up, "mode") == "continuous"
    assert seen["STARTED"] <= 1, "one waits for the stream, the other one in the queue"
    assert end_of(up, refresh) == "SUCCESS"
    assert [end_of(up, run) for run in catch_ups] == ["SUCCESS", "SUCCESS"]

    until(lambda: is_well(up), "it is well", STARTED_WITHIN)
    until(lambda: _said_of_the_stream(up).startswith(stream(up)["state"]), "so says the check", SHOWN_WITHIN)


def _said_of_the_stream(up: Up) -> str:
    query = """{ assetNodeOrError(assetKey: {path: ["events"]}) { ... on AssetNode { assetChecksOrError {
        ... on AssetChecks { checks { name executionForLatestMaterialization {
            evaluation { description } } } } } } } }"""
    for check in ask(up, query)["assetNodeOrError"]["assetChecksOrError"]["checks"]:
        if check["name"] == "stream_alive" and check["executionForLatestMaterialization"]:
            return str(check["executionForLatestMaterialization"]["evaluation"]["description"])
    return ""


def test_a_deleted_directory_of_dagster_is_made_anew_and_runs_go_on(running: Up) -> None:
    up, before = running, lease(running, "epoch")
    shutil.rmtree(up.home / "dagster")
    until(lambda: "its configuration was written again" in up.said(), "up says it", SHOWN_WITHIN)
    assert end_of(up, launch(up, "sessions")) == "SUCCESS"
    assert (lease(up, "epoch"), is_well(up)) == (before, True)


def test_an_emptied_storage_of_dagster_is_made_anew_under_a_stream_that_goes_on(running: Up) -> None:
    up, before = running, lease(running, "epoch")
    dagster = Connections(Settings.from_env({"CLICKSTREAM_HOME": str(up.home)})).url("dagster")
    # All at once, as a database that was dropped and made anew: one statement is one transaction.
    run_sql(dagster, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    until(lambda: run_sql(dagster, "SELECT to_regclass('runs')") != [(None,)], "it has tables", 150)
    until(lambda: shows_all_checks(up), "every check is shown again", STARTED_WITHIN)
    assert end_of(up, launch(up, "sessions")) == "SUCCESS"
    assert (lease(up, "epoch"), is_well(up)) == (before, True)


@pytest.mark.parametrize("program", ["dagster._daemon", "dagster_webserver", "code-server"])
def test_a_frozen_program_of_dagster_is_named_and_started_again(running: Up, program: str) -> None:
    up = running
    until(
        lambda: psutil.Process(up.child(program)).create_time() < time.time() - 95,
        "its first 95 s are over",
        120,
    )
    pid = up.child(program)
    psutil.Process(pid).send_signal(signal.SIGSTOP)
    try:
        until(lambda: "starting it again" in up.said() and not psutil.pid_exists(pid), "up ends it", 200)
    finally:
        if psutil.pid_exists(pid):
            psutil.Process(pid).send_signal(signal.SIGCONT)
    until(up.webserver_answers, "the pages are there", SHOWN_WITHIN)
    until(lambda: is_well(up) and not status(up)["dagster"]["complaints"], "all is well", STARTED_WITHIN)
