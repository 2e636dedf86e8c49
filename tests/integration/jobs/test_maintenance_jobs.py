"""The jobs `maintenance` and `replay_rejects` in Dagster, and the command that does the same."""

from __future__ import annotations

import json
import subprocess
import sys

import dagster as dg
import pytest
from control_plane import ControlPlane
from databases import run_sql
from ledger_books import LedgerBooks, consistent_history

from clickstream_assets.maintenance.steps import STEPS

COLUMNS = ["user_id", "session_id", "action_type", "product_id", "event_time", "price"]


def metadata(result: dg.ExecuteInProcessResult, step: str) -> dict[str, object]:
    (event,) = [
        event
        for event in result.all_events
        if event.event_type is dg.DagsterEventType.STEP_OUTPUT and event.step_key == step
    ]
    return {name: value.value for name, value in event.step_output_data.metadata.items()}


def test_every_step_of_maintenance_says_what_it_did_with_its_numbers(control: ControlPlane) -> None:
    consistent_history(control.database.owner_url)
    result = control.execute("maintenance")
    assert result.success
    done = {step: metadata(result, step) for step in STEPS}
    assert all(numbers["did"] for numbers in done.values())
    assert done["make_partitions"]["partitions_made"] == 2
    assert "not set" in str(done["drop_old_events"]["did"])
    assert done["find_reused_ids"]["batches"] == 5
    assert done["finish_files"]["policy"] == "keep"


def test_a_step_that_fails_does_not_hold_up_the_others(control: ControlPlane) -> None:
    run_sql(control.database.owner_url, "DROP TABLE reused_event_ids")
    result = control.execute("maintenance")
    assert not result.success
    failed = {event.step_key for event in result.all_events if event.is_step_failure}
    assert failed == {"find_reused_ids"}
    assert metadata(result, "analyze_tables")["tables"]


def test_the_schedule_is_on_by_default(control: ControlPlane) -> None:
    schedule = control.definitions.resolve_schedule_def("nightly_maintenance")
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING


@pytest.fixture
def rejects(control: ControlPlane) -> LedgerBooks:
    books = LedgerBooks(control.database.owner_url)
    layout = books.add_layout(COLUMNS)
    file_id = books.add_file("shop.csv", status="committed", layout_id=layout)
    for line, reason in ((2, "invalid_price"), (3, "unknown_action_type"), (4, "invalid_price")):
        books.add_reject(file_id, line, f"u,s,view,p,2026-03-01 12:00:0{line},x".encode(), reason)
    return books


def replay(control: ControlPlane, **config: object) -> dg.ExecuteInProcessResult:
    return control.execute("replay_rejects", run_config={"ops": {"replay": {"config": config}}})


def test_rejects_chosen_by_reason_go_back_once_with_a_link_to_their_lines(
    control: ControlPlane, rejects: LedgerBooks
) -> None:
    first = replay(control, reason="invalid_price")
    assert first.success
    assert metadata(first, "replay")["rows"] == 2
    (file,) = control.settings.events_dir.glob("replayed-*.csv")
    lines = file.read_text().splitlines()
    assert lines[0].startswith("replay_of,")
    assert [line.split(",")[0] for line in lines[1:]] == ["1:2", "1:4"]
    again = replay(control, reason="invalid_price")
    assert metadata(again, "replay")["rows"] == 0
    assert len(list(control.settings.events_dir.iterdir())) == 1


def test_single_rejects_can_be_chosen_by_their_ids(control: ControlPlane, rejects: LedgerBooks) -> None:
    assert metadata(replay(control, reject_ids=[2]), "replay")["rows"] == 1
    assert run_sql(
        control.database.owner_url, "SELECT reject_id::int FROM rejected_events WHERE replayed_at IS NOT NULL"
    ) == [(2,)]


def test_choosing_nothing_sends_nothing_back_and_says_what_to_choose(
    control: ControlPlane, rejects: LedgerBooks
) -> None:
    result = replay(control)
    assert not result.success
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert "give at least one of reason, file, file_id and reject_ids" in str(failure.step_failure_data)
    assert list(control.settings.events_dir.iterdir()) == []


def test_the_command_does_the_same_steps_without_dagster(control: ControlPlane) -> None:
    code = (
        "import sys\n"
        "from clickstream_assets.cli.__main__ import clickstream\n"
        "try:\n"
        "    clickstream(['maintain', '--json'])\n"
        "finally:\n"
        "    assert 'dagster' not in sys.modules\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env={
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": ":".join(sys.path),
            "CLICKSTREAM_HOME": str(control.settings.home),
            "CLICKSTREAM_DATABASE_URL": control.database.owner_url,
            "CLICKSTREAM_WRITER_PASSWORD": "test: p@ss/word%?",
            "CLICKSTREAM_READER_PASSWORD": "test: p@ss/word%?",
            "CLICKSTREAM_DAGSTER_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    assert list(json.loads(ended.stdout)) == list(STEPS)
