"""What is said of Dagster from its own tables, over its real storage. Guards against a version with other tables."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from control_plane import switch
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import SensorInstigatorData, TickData, TickStatus
from dagster._daemon.types import DaemonHeartbeat
from dagster._utils.error import SerializableErrorInfo
from databases import run_sql

from clickstream_assets.database import connect
from clickstream_assets.definitions import build_definitions
from clickstream_assets.monitoring.dagster_state import (
    DAEMON_SILENT_AFTER,
    SENSORS,
    DagsterState,
    read_dagster_state,
    read_state,
)
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.settings import Settings


def look(storage: str) -> DagsterState:
    with closing(connect(storage, "tests", autocommit=True)) as connection:
        return read_state(connection)


def test_what_is_switched_off_is_named_until_it_is_on_again(
    instance: dg.DagsterInstance, storage: str
) -> None:
    switch(instance, "event_check_results", on=True)
    assert look(storage).complaints == ()
    switch(instance, "event_check_results", on=False)
    switch(instance, "nightly_maintenance", on=False, kind="schedule")
    state = look(storage)
    assert state.complaints == (
        "the schedule nightly_maintenance is switched off",
        "the sensor event_check_results is switched off",
    )
    assert state.is_off("event_check_results")
    assert not state.is_off("alerts")
    switch(instance, "event_check_results", on=True)
    switch(instance, "nightly_maintenance", on=True, kind="schedule")
    assert look(storage).complaints == ()


def test_a_sensor_whose_last_tick_failed_is_named_with_its_error(
    instance: dg.DagsterInstance, storage: str
) -> None:
    switch(instance, "ingest_progress", on=True)
    (state,) = instance.all_instigator_state()

    def tick(status: TickStatus, seconds: int, error: str | None = None) -> None:
        instance.create_tick(
            TickData(
                state.instigator_origin_id,
                "ingest_progress",
                InstigatorType.SENSOR,
                status,
                datetime.now(UTC).timestamp() + seconds,
                selector_id=state.selector_id,
                run_ids=[],
                error=SerializableErrorInfo(error, [], "Error") if error else None,
            )
        )

    tick(TickStatus.SUCCESS, 1)
    assert look(storage).complaints == ()
    tick(TickStatus.FAILURE, 2, "psycopg2.OperationalError: it is away\nand more\n")
    assert look(storage).complaints == (
        "the sensor ingest_progress fails: psycopg2.OperationalError: it is away",
    )
    tick(TickStatus.SKIPPED, 3)
    assert look(storage).complaints == ()


def tick_ago(instance: dg.DagsterInstance, sensor: str, *seconds: float) -> None:
    (state,) = [state for state in instance.all_instigator_state() if state.instigator_name == sensor]
    for ago in sorted(seconds, reverse=True):
        instance.create_tick(
            TickData(
                state.instigator_origin_id,
                sensor,
                InstigatorType.SENSOR,
                TickStatus.SKIPPED,
                datetime.now(UTC).timestamp() - ago,
                selector_id=state.selector_id,
                run_ids=[],
            )
        )


def test_a_sensor_that_does_not_tick_while_others_do_is_named_with_its_last_tick(
    instance: dg.DagsterInstance, storage: str
) -> None:
    for sensor in ("ingest_progress", "refresh_summaries", "gone_long_ago"):
        switch(instance, sensor, on=True)
    tick_ago(instance, "gone_long_ago", 5000)
    tick_ago(instance, "ingest_progress", 5000, 4000, 30)
    tick_ago(instance, "refresh_summaries", 5000, 4000)
    assert look(storage).complaints == (), "all stood still, and go on now"
    tick_ago(instance, "ingest_progress", 65)
    (complaint,) = look(storage).complaints
    assert complaint.startswith("the sensor refresh_summaries has not ticked since ")
    tick_ago(instance, "refresh_summaries", 1)
    assert look(storage).complaints == ()


def test_a_sensor_that_was_switched_on_a_moment_ago_is_not_late(
    instance: dg.DagsterInstance, storage: str
) -> None:
    for sensor in ("ingest_progress", "refresh_summaries"):
        switch(instance, sensor, on=True)
    tick_ago(instance, "ingest_progress", 65, 5)
    tick_ago(instance, "refresh_summaries", 4000)
    assert len(look(storage).complaints) == 1
    (state,) = [s for s in instance.all_instigator_state() if s.instigator_name == "refresh_summaries"]
    assert isinstance(state.instigator_data, SensorInstigatorData)
    started = state.instigator_data.with_sensor_start_timestamp(datetime.now(UTC).timestamp())
    instance.update_instigator_state(state.with_data(started))
    assert look(storage).complaints == ()


def test_the_sensors_that_are_named_when_they_are_late_are_always_there(instance: dg.DagsterInstance) -> None:
    definitions = build_definitions(Settings.from_env({}))
    assert set(SENSORS) <= {sensor.name for sensor in definitions.sensors or ()}


def beat(instance: dg.DagsterInstance, thread: str, at: datetime) -> None:
    instance.add_daemon_heartbeat(DaemonHeartbeat(at.timestamp(), thread, "one"))


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo"])
def test_a_daemon_that_is_silent_is_named_whatever_the_servers_time_zone(
    instance: dg.DagsterInstance, storage: str, zone: str
) -> None:
    run_sql(storage, f"ALTER DATABASE {storage.rpartition('/')[2]} SET TimeZone = '{zone}'")
    assert look(storage).daemon_age is None
    heard = datetime.now(UTC)
    beat(instance, "SENSOR", heard)
    beat(instance, "SCHEDULER", heard - timedelta(seconds=999))
    age = look(storage).daemon_age
    assert age is not None
    assert 0 <= age < 30, "the newest sign of any of its threads"
    silent = timedelta(seconds=DAEMON_SILENT_AFTER + 5)
    beat(instance, "SENSOR", heard - silent)
    (complaint,) = look(storage).complaints
    assert complaint == f"Dagster's daemon has not been heard of since {heard - silent:%Y-%m-%d %H:%M:%S} UTC"


def test_where_there_is_no_dagster_nothing_is_said(storage: str) -> None:
    connections = Connections(Settings.from_env({}), "tests", {"dagster": storage})
    assert read_dagster_state(connections) is None, "it has never run"
