"""Trimming Dagster's history in its own tables, over its real storage. Guards against a new version of Dagster whose
tables are others, and against taking away what its pages still show."""

from __future__ import annotations

import os
import socket
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import dagster as dg
import pytest
from databases import Database, run_sql

from clickstream_assets.database import connect
from clickstream_assets.maintenance import log_trimming
from clickstream_assets.maintenance.log_trimming import (
    trim_dagster_storage,
    trim_damaged_checkpoints,
    trim_logs,
    trim_run_logs,
    trim_scratch,
)
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.postgres.roles import Role
from clickstream_assets.settings import Settings

EVENTS = dg.AssetKey("events")


@dg.asset
def refreshed() -> None:
    """Something that leaves runs."""


def trimmed(storage: str) -> tuple[int, int]:
    with closing(connect(storage, "tests", autocommit=True)) as dagster:
        return trim_dagster_storage(dagster, days=7)


def run_logs_trimmed(directory: Path, storage: str) -> tuple[int, int]:
    with closing(connect(storage, "tests", autocommit=True)) as dagster:
        return trim_run_logs(directory, dagster, time.time())


def report(instance: dg.DagsterInstance, number: int) -> None:
    """What the sensors report without a run."""
    instance.report_runless_asset_event(dg.AssetMaterialization("events", metadata={"number": number}))
    instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(
            asset_key=EVENTS, check_name="freshness", passed=True, metadata={"number": number}
        )
    )


def make_old(storage: str) -> None:
    run_sql(storage, "UPDATE runs SET end_time = end_time - 8 * 86400")
    run_sql(storage, "UPDATE event_logs SET timestamp = timestamp - interval '8 days'")


def test_old_runs_and_events_go_and_the_last_of_everything_stays(
    instance: dg.DagsterInstance, storage: str
) -> None:
    runs = [dg.materialize([refreshed], instance=instance).run_id for _ in range(3)]
    for number in range(3):
        report(instance, number)
    make_old(storage)
    report(instance, 3)
    before = run_sql(storage, "SELECT count(*)::int FROM event_logs")[0][0]
    gone_runs, gone_events = trimmed(storage)
    assert gone_runs == 2
    assert [run.run_id for run in instance.get_runs()] == runs[2:]
    assert run_sql(storage, "SELECT count(*)::int FROM event_logs") == [(before - gone_events,)]  # type: ignore[operator]
    last = instance.get_latest_materialization_event(refreshed.key)
    assert last is not None
    assert last.run_id == runs[2]
    assert instance.all_logs(runs[2])
    assert instance.all_logs(runs[0]) == []
    newest = instance.get_latest_materialization_event(EVENTS)
    assert newest is not None
    assert newest.asset_materialization is not None
    assert newest.asset_materialization.metadata["number"].value == 3
    record = instance.get_latest_asset_check_evaluation_record(dg.AssetCheckKey(EVENTS, "freshness"))
    assert record is not None
    assert record.event is not None
    assert run_sql(storage, "SELECT count(*)::int FROM asset_check_executions") == [(1,)]
    assert trimmed(storage) == (0, 0)


def test_where_nothing_newer_came_the_last_reports_stay_however_old(
    instance: dg.DagsterInstance, storage: str
) -> None:
    for number in range(3):
        report(instance, number)
    make_old(storage)
    trimmed(storage)
    newest = instance.get_latest_materialization_event(EVENTS)
    assert newest is not None
    assert newest.asset_materialization is not None
    assert newest.asset_materialization.metadata["number"].value == 2
    assert (
        instance.get_latest_asset_check_evaluation_record(dg.AssetCheckKey(EVENTS, "freshness")) is not None
    )


def test_runs_that_go_on_are_kept_however_old(instance: dg.DagsterInstance, storage: str) -> None:
    job = dg.Definitions(assets=[refreshed]).resolve_implicit_global_asset_job_def()
    run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    run_sql(storage, "UPDATE runs SET create_timestamp = '2020-01-01', update_timestamp = '2020-01-01'")
    assert trimmed(storage)[0] == 0
    assert instance.get_run_by_id(run.run_id) is not None


def test_more_than_fit_into_one_transaction_go_in_several(
    instance: dg.DagsterInstance, storage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_trimming, "EVENTS_AT_ONCE", 2)
    for number in range(4):
        report(instance, number)
    make_old(storage)
    assert trimmed(storage)[1] == 6


def test_logs_of_runs_that_are_no_more_go_and_a_long_one_of_a_living_run_is_cut(
    instance: dg.DagsterInstance, storage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_trimming, "RUN_LOG_LIMIT", 100)
    run_id = dg.materialize([refreshed], instance=instance).run_id
    gone, young, result = str(uuid4()), str(uuid4()), "refreshed"
    for name in (run_id, gone, young, result):
        (tmp_path / name / "compute_logs").mkdir(parents=True)
    log = tmp_path / run_id / "compute_logs" / "step.err"
    log.write_text("x" * 101)
    for name in (run_id, gone, result):
        os.utime(tmp_path / name, (0, 0))
    assert run_logs_trimmed(tmp_path, storage) == (1, 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([run_id, young, result])
    assert log.read_text() == ""
    assert log.with_name("step.err.1").read_text() == "x" * 101


def test_without_a_database_of_dagster_the_rest_is_trimmed(database: Database, tmp_path: Path) -> None:
    for url in ("postgresql://nobody@127.0.0.1:1/none", database.owner_url):
        urls: dict[Role, str] = {"reader": database.reader_url, "dagster": url}
        connections = Connections(Settings.from_env({}), "tests", urls)
        assert trim_logs(tmp_path, tmp_path / "checkpoint", connections, 7) == log_trimming.Trimmed()


def test_scratch_directories_go_that_are_older_than_the_stream_that_runs(
    database: Database, tmp_path: Path
) -> None:
    names = [f"blockmgr-{uuid4()}", f"spark-{uuid4()}", "warehouse"]
    for name in names:
        (tmp_path / name).mkdir()
        old = (datetime.now(UTC) - timedelta(hours=1)).timestamp()
        os.utime(tmp_path / name, (old, old))
    (tmp_path / f"spark-{uuid4()}").mkdir()
    reader = connect(database.reader_url, "tests", autocommit=True)
    try:
        assert trim_scratch(tmp_path, reader) == 0  # nobody streams: it may be anybody's
        run_sql(
            database.owner_url,
            "UPDATE stream_lease SET started_at = now(), released_at = NULL, host = %(host)s",
            {"host": socket.gethostname()},
        )
        assert trim_scratch(tmp_path, reader) == 2
    finally:
        reader.close()
    assert len(list(tmp_path.iterdir())) == 2


def test_the_newest_damaged_checkpoints_are_kept(tmp_path: Path) -> None:
    for number in (9, 10, 11, 12):
        (tmp_path / f"checkpoint.damaged-{number}").mkdir()
    (tmp_path / "checkpoint").mkdir()
    assert trim_damaged_checkpoints(tmp_path / "checkpoint") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "checkpoint",
        "checkpoint.damaged-10",
        "checkpoint.damaged-11",
        "checkpoint.damaged-12",
    ]
