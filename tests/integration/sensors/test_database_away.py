"""The control plane where its database is away or read-only: it says so in one sentence, and does nothing."""

from __future__ import annotations

import os
from dataclasses import replace

import dagster as dg
import psycopg2
import pytest
from control_plane import ControlPlane
from databases import run_sql

from clickstream_assets.home import make_home
from clickstream_assets.ledger import reads as ledger
from clickstream_assets.outages.stream_waits import write_waits
from clickstream_assets.sensors.sensors import event_check_results, ingest_progress, spark_stream_supervisor

STARTED = dg.DagsterRunStatus.STARTED
NOWHERE = "postgresql://nobody:secret@127.0.0.1:1/nothing"
UNREACHABLE = "the database cannot be reached: connection to server at"
SENSORS = [spark_stream_supervisor, ingest_progress, event_check_results]


def said(result: dg.SensorResult) -> str:
    assert result.skip_reason is not None
    return result.skip_reason.skip_message or ""


@pytest.fixture
def away(control: ControlPlane) -> ControlPlane:
    """Its database cannot be reached, and its stream, this process, waits for it."""
    make_home(control.settings.home)
    write_waits(
        control.settings.home, "the database", "it is shutting down", 1785585600.0, "run-1-of-dagster"
    )
    control.database = replace(control.database, reader_url=NOWHERE, writer_url=NOWHERE)
    return control


@pytest.mark.parametrize("sensor", SENSORS, ids=lambda sensor: sensor.name)
def test_a_tick_says_why_in_one_sentence_and_what_the_stream_waits_for(
    away: ControlPlane, sensor: dg.SensorDefinition
) -> None:
    result = away.tick(sensor)
    assert not result.run_requests
    assert UNREACHABLE in said(result)
    assert "secret" not in said(result)
    assert said(result).endswith(
        "run run-1-of, waits for the database since 2026-08-01 12:00:00 UTC: it is shutting down."
    )
    assert len(said(result).splitlines()) == 1


def test_a_bug_still_fails_the_tick(control: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*_: object) -> None:
        raise psycopg2.ProgrammingError("a statement of ours is wrong")

    monkeypatch.setattr(ledger, "read_lease", wrong)
    with pytest.raises(psycopg2.ProgrammingError):
        control.tick(spark_stream_supervisor)


def test_that_nobody_knows_whether_a_stream_is_at_work_is_an_error_of_its_check_told_once(
    away: ControlPlane,
) -> None:
    first = away.tick(event_check_results)
    (evaluation,) = first.asset_events
    assert isinstance(evaluation, dg.AssetCheckEvaluation)
    assert (evaluation.check_name, evaluation.passed) == ("stream_alive", False)
    assert evaluation.description is not None
    assert evaluation.description.startswith(f"unknown: {UNREACHABLE}")
    assert away.tick(event_check_results).asset_events == []


@pytest.fixture
def read_only(control: ControlPlane) -> ControlPlane:
    make_home(control.settings.home)
    name = control.database.name
    run_sql(control.database.owner_url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    return control


def test_on_a_database_that_is_read_only_no_stream_is_started_and_nobody_is_called_absent(
    read_only: ControlPlane,
) -> None:
    result = read_only.tick(spark_stream_supervisor)
    assert not result.run_requests
    assert said(result).startswith("dead: no stream has run yet; the database is read-only (")
    (evaluation,) = (
        e
        for e in read_only.tick(event_check_results).asset_events
        if isinstance(e, dg.AssetCheckEvaluation) and e.check_name == "stream_alive"
    )
    assert "has not looked" not in (evaluation.description or "")


def test_a_stream_that_waits_without_the_lock_is_left_alone_and_no_other_is_started(
    control: ControlPlane,
) -> None:
    run_id = control.make_run(STARTED, worker=os.getpid())
    make_home(control.settings.home)
    write_waits(control.settings.home, "the database", "too many connections", 1785585600.0, run_id)
    control.update_lease("dagster_run_id = 'another', heartbeat_at = now() - interval '1 hour'")
    result = control.tick(spark_stream_supervisor)
    assert not result.run_requests
    assert said(result).startswith("waiting: process ")
    assert "waits for the database since 2026-08-01 12:00:00 UTC: too many connections (" in said(result)
    assert control.status(run_id) is STARTED
