"""The checks against a real ledger: red and green by what is in it, from the button and from the sensor."""

import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
from control_plane import ControlPlane, wait_until
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationPlanned
from dagster._core.events import DagsterEvent, DagsterEventType
from databases import run_sql
from ledger_books import LedgerBooks, Part, state_on_disk

from clickstream_assets.checks import new_batches, reporting
from clickstream_assets.checks.event_checks import EVENT_CHECKS
from clickstream_assets.jobs.stream import spark_stream
from clickstream_assets.sensors.sensors import event_check_results
from clickstream_assets.supervision import shown_checks
from clickstream_assets.thresholds import Limits

NAMES = set(EVENT_CHECKS)


@pytest.fixture(autouse=True)
def long_after_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of tests may get a minute old between two looks, and another sentence is due then."""
    monkeypatch.setattr(reporting, "_LOADED_AT", time.monotonic() - reporting.STREAM_AWAITED)


@pytest.fixture
def books(control: ControlPlane) -> LedgerBooks:
    return LedgerBooks(control.database.owner_url)


def load(
    books: LedgerBooks,
    inserted: int = 0,
    duplicate: int = 0,
    rejected: int = 0,
    conflict: int = 0,
    landed_seconds_ago: float = 0.2,
    layout_id: int | None = None,
    name: str = "f.csv",
) -> None:
    """One more file, in one more batch."""
    file_id = books.add_file(
        name,
        expected=inserted + duplicate + rejected,
        chunks=1,
        landed_seconds_ago=landed_seconds_ago,
        layout_id=layout_id,
    )
    books.commit(Part(file_id, inserted=inserted, duplicate=duplicate, rejected=rejected, conflict=conflict))


def sensor(control: ControlPlane) -> dict[str, dg.AssetCheckEvaluation]:
    """What the sensor reports on this tick."""
    events = control.tick(event_check_results).asset_events
    return {event.check_name: event for event in events if isinstance(event, dg.AssetCheckEvaluation)}


def button(control: ControlPlane) -> dict[str, dg.AssetCheckEvaluation]:
    """What a run of all checks says."""
    job = control.definitions.resolve_implicit_global_asset_job_def().get_subset(
        asset_selection=set(),
        asset_check_selection={dg.AssetCheckKey(dg.AssetKey("events"), name) for name in NAMES},
    )
    result = job.execute_in_process(instance=control.instance)
    return {event.check_name: event for event in result.get_asset_check_evaluations()}


def passed(evaluations: dict[str, dg.AssetCheckEvaluation]) -> dict[str, bool]:
    return {name: evaluation.passed for name, evaluation in evaluations.items()}


def later(control: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> dict[str, dg.AssetCheckEvaluation]:
    """The sensor's next report after REPORT_EVERY."""
    monkeypatch.setattr(reporting, "REPORT_EVERY", 0.0)
    return sensor(control)


def test_every_check_has_a_result_on_the_first_tick_even_of_an_empty_system(control: ControlPlane) -> None:
    assert passed(sensor(control)) == dict.fromkeys(NAMES, True)


def test_the_button_and_the_sensor_agree(control: ControlPlane, books: LedgerBooks) -> None:
    load(books, inserted=90, duplicate=9, rejected=1)
    by_sensor, by_button = sensor(control), button(control)
    assert passed(by_button) == passed(by_sensor) == dict.fromkeys(NAMES, True)
    for name in ("duplicate_rate", "reject_rate"):
        assert by_sensor[name].metadata == by_button[name].metadata


def test_a_verdict_that_stays_is_not_reported_again_within_the_minute(
    control: ControlPlane, books: LedgerBooks
) -> None:
    sensor(control)
    load(books, inserted=10)
    assert sensor(control) == {}


def test_duplicates_turn_their_check_red_at_once_and_only_it(
    control: ControlPlane, books: LedgerBooks
) -> None:
    load(books, inserted=100)
    sensor(control)
    load(books, duplicate=300)
    (evaluation,) = sensor(control).values()
    assert (evaluation.check_name, evaluation.passed) == ("duplicate_rate", False)
    assert evaluation.severity is dg.AssetCheckSeverity.ERROR
    assert evaluation.metadata["rate"].value == 0.75
    run_sql(control.database.owner_url, "UPDATE ingest_batches SET committed_at = now() - interval '2 hours'")
    load(books, inserted=10)
    (evaluation,) = sensor(control).values()
    assert evaluation.passed, "the window has moved on"
    assert evaluation.metadata["lifetime_rows"].value == 300


def test_rejects_turn_their_check_red_with_the_reasons(control: ControlPlane, books: LedgerBooks) -> None:
    load(books, inserted=70, rejected=30)
    evaluation = sensor(control)["reject_rate"]
    assert not evaluation.passed
    assert evaluation.metadata["by_reason"].value == {"invalid_price": 30}


def test_a_rate_over_its_limit_names_the_files_that_it_is_about(
    control: ControlPlane, books: LedgerBooks
) -> None:
    load(books, inserted=95, rejected=5, name="well.csv")
    assert "worst_files" not in sensor(control)["reject_rate"].metadata
    load(books, inserted=30, rejected=70, name="partner/bad.csv")
    load(books, duplicate=400, name="again.csv")
    evaluations = sensor(control)
    (rejecting, duplicate) = (evaluations[name] for name in ("reject_rate", "duplicate_rate"))
    worst = rejecting.metadata["worst_files"].value
    assert [(file["file"], file["rows"], file["rows_read"]) for file in worst] == [
        ("partner/bad.csv", 70, 100),
        ("well.csv", 5, 100),
    ]
    assert "Most in partner/bad.csv: 70 of 100, at " in (rejecting.description or "")
    assert [file["file"] for file in duplicate.metadata["worst_files"].value] == ["again.csv"]


def test_a_file_that_waits_on_disk_turns_freshness_red_though_no_ledger_knows_it(
    control: ControlPlane, monkeypatch: pytest.MonkeyPatch, books: LedgerBooks
) -> None:
    sensor(control)
    path = control.settings.events_dir / "lonely.csv"
    path.write_text("event_id\n1\n")
    assert sensor(control) == {}, "just landed"
    wait_for_age(path, 0.2)
    monkeypatch.setattr("clickstream_assets.thresholds.FRESHNESS", Limits(warn_above=0.1, error_above=0.1))
    evaluation = sensor(control)["freshness"]
    assert not evaluation.passed
    assert evaluation.metadata["waiting_files"].value == ["lonely.csv"]
    state = state_on_disk(control.settings.events_dir, "lonely.csv")
    file_id = books.add_file("lonely.csv", expected=1, chunks=1, state=state)
    books.commit(Part(file_id, inserted=1))
    assert sensor(control)["freshness"].passed


def wait_for_age(path: Path, seconds: float) -> None:
    wait_until(lambda: time.time() - path.stat().st_ctime > seconds)


def test_each_batch_is_audited_once_from_where_the_last_audit_ended(
    control: ControlPlane, books: LedgerBooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(books, inserted=5)
    assert sensor(control)["conservation"].metadata["through_batch"].value == 1
    load(books, inserted=7)
    load(books, inserted=8)
    audit = later(control, monkeypatch)["conservation"].metadata
    assert [audit[name].value for name in ("since_batch", "through_batch", "rows_read")] == [1, 3, 15]
    assert "conservation" not in later(control, monkeypatch), "nothing new"


def test_a_lost_row_turns_conservation_red_and_new_batches_do_not_make_it_green(
    control: ControlPlane, books: LedgerBooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(books, inserted=5)
    run_sql(control.database.owner_url, "DELETE FROM events WHERE line_no = 2 AND file_id = 1")
    assert not sensor(control)["conservation"].passed
    load(books, inserted=5)
    evaluation = later(control, monkeypatch)["conservation"]
    assert not evaluation.passed
    assert evaluation.metadata["through_batch"].value == 2
    assert not button(control)["conservation"].passed
    monkeypatch.setattr(
        new_batches, "AUDIT_ROWS", 5
    )  # the offending batch is too far back for the sensor now
    load(books, inserted=5)
    assert "conservation" not in later(control, monkeypatch), "the red result stands"
    run_sql(
        control.database.owner_url,
        "INSERT INTO events (event_id, user_id, session_id, action_type, product_id, event_time, batch_id, file_id,"
        " line_no) VALUES (gen_random_uuid(), 'u', 's', 'view', 'p', '2026-03-01', 1, 1, 2)",
    )
    assert button(control)["conservation"].passed, "the button audits everything"
    load(books, inserted=5)
    assert later(control, monkeypatch)["conservation"].passed


def test_batches_too_many_for_the_sensor_are_said_to_be_skipped(
    control: ControlPlane, books: LedgerBooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(4):
        load(books, inserted=5)
    monkeypatch.setattr(new_batches, "AUDIT_ROWS", 10)
    evaluation = sensor(control)["conservation"]
    assert evaluation.metadata["batches_skipped"].value == 2
    assert evaluation.metadata["rows_read"].value == 10
    assert evaluation.description is not None
    assert "2 batches before them" in evaluation.description


def test_a_new_database_under_an_old_dagster_is_audited_from_its_begin(
    control: ControlPlane, books: LedgerBooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        load(books, inserted=1)
    sensor(control)
    run_sql(control.database.owner_url, "TRUNCATE ingest_batches, ingest_files, events CASCADE")
    load(LedgerBooks(control.database.owner_url), inserted=2)
    audit = later(control, monkeypatch)["conservation"].metadata
    assert [audit[name].value for name in ("since_batch", "through_batch")] == [0, 1]


def test_slow_files_make_latency_warn_with_the_percentiles_and_leave_it_after_the_window(
    control: ControlPlane, books: LedgerBooks
) -> None:
    for _ in range(3):
        load(books, inserted=1)
    assert sensor(control)["latency"].passed
    load(books, inserted=1, landed_seconds_ago=30)
    evaluation = sensor(control)["latency"]
    assert (evaluation.passed, evaluation.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert evaluation.metadata["files"].value == 4
    assert evaluation.metadata["p50_seconds"].value == pytest.approx(0.2, abs=0.1)
    assert evaluation.metadata["max_seconds"].value == pytest.approx(30, abs=0.5)
    run_sql(
        control.database.owner_url,
        "UPDATE ingest_files SET committed_at = committed_at - interval '6 minutes',"
        " landed_at = landed_at - interval '6 minutes'",
    )
    assert sensor(control)["latency"].passed


def test_one_conflict_warns_and_many_are_an_error_with_examples(
    control: ControlPlane, books: LedgerBooks
) -> None:
    load(books, inserted=99)
    sensor(control)
    load(books, duplicate=1, conflict=1)
    (evaluation,) = sensor(control).values()
    assert (evaluation.check_name, evaluation.severity) == ("id_conflicts", dg.AssetCheckSeverity.WARN)
    assert not evaluation.passed
    assert [evaluation.metadata[name].value for name in ("rows", "lifetime_rows")] == [1, 1]
    (example,) = evaluation.metadata["newest"].value
    assert (example["path"], example["line_no"]) == ("f.csv", 2)
    load(books, duplicate=4, conflict=4)
    (evaluation,) = sensor(control).values()
    assert evaluation.severity is dg.AssetCheckSeverity.ERROR
    assert evaluation.metadata["rate"].value == pytest.approx(5 / 104, abs=0.0005), "rounded"
    run_sql(control.database.owner_url, "UPDATE ingest_batches SET committed_at = now() - interval '2 hours'")
    evaluation = sensor(control)["id_conflicts"]
    assert evaluation.passed
    assert evaluation.metadata["lifetime_rows"].value == 5


def test_a_header_never_seen_before_warns_with_what_changed_for_a_day(
    control: ControlPlane, books: LedgerBooks
) -> None:
    columns = ["event_id", "user_id", "price"]
    load(books, inserted=1, layout_id=books.add_layout(columns))
    assert sensor(control)["schema_drift"].passed, "the first header is no change"
    load(books, inserted=1, layout_id=books.add_layout([*columns, "replay_of"]))
    assert sensor(control) == {}, "a replayed file is no producer's"
    load(books, inserted=1, layout_id=books.add_layout(["event_id", "user_id", "amount"]))
    evaluation = sensor(control)["schema_drift"]
    assert (evaluation.passed, evaluation.severity) == (False, dg.AssetCheckSeverity.WARN)
    (change,) = evaluation.metadata["changes"].value
    assert change.startswith("f.csv since ")
    assert change.endswith(" UTC: without price, with amount")
    run_sql(
        control.database.owner_url,
        "UPDATE ingest_layouts SET first_seen_at = first_seen_at - interval '25 hours'",
    )
    assert sensor(control)["schema_drift"].passed


def test_a_file_whose_header_cannot_be_used_is_an_error_until_it_is_delivered_again(
    control: ControlPlane, books: LedgerBooks
) -> None:
    sensor(control)
    books.add_file("nothing.csv", status="rejected", reason="empty_file")
    assert sensor(control) == {}, "an empty file loses nothing"
    books.add_file("noise.gz", status="rejected", reason="not_gzip")
    assert sensor(control)["schema_drift"].severity is dg.AssetCheckSeverity.WARN
    books.add_file("lacks.csv", status="rejected", reason="missing_columns")
    evaluation = sensor(control)["schema_drift"]
    assert evaluation.severity is dg.AssetCheckSeverity.ERROR
    assert evaluation.metadata["files_not_read"].value == {
        "missing_columns": {"files": 1, "newest": ["lacks.csv"]},
        "not_gzip": {"files": 1, "newest": ["noise.gz"]},
    }
    books.add_file("lacks.csv", status="committed")
    books.add_file("noise.gz", status="committed")
    assert sensor(control)["schema_drift"].passed


def test_a_stream_that_is_gone_is_red_once_the_supervisor_had_its_time(
    control: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    control.update_lease(
        "started_at = now() - interval '1 hour', heartbeat_at = now() - interval '10 minutes', epoch = 2"
    )
    monkeypatch.setattr(reporting, "_LOADED_AT", time.monotonic())
    assert passed(sensor(control))["stream_alive"], "everything was started a moment ago"
    monkeypatch.setattr(reporting, "_LOADED_AT", time.monotonic() - reporting.STREAM_AWAITED)
    evaluation = sensor(control)["stream_alive"]
    assert (evaluation.passed, evaluation.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert (evaluation.description or "").startswith("dead for 10 min")
    assert button(control)["stream_alive"].passed is False
    with control.stream():
        assert sensor(control)["stream_alive"].passed


def failed_catch_up(control: ControlPlane) -> None:
    """A run that was to measure the checks after catching up, and did not come so far."""
    (control.settings.events_dir / "stays.csv").write_text("event_id\n1\n")
    job = control.definitions.resolve_implicit_global_asset_job_def()
    with control.stream():
        result = job.execute_in_process(
            instance=control.instance,
            asset_selection=[dg.AssetKey("events"), dg.AssetKey("rejected_events")],
            run_config={"ops": {"catch_up": {"config": {"timeout_seconds": 0.2}}}},
            raise_on_error=False,
        )
    assert not result.success
    (control.settings.events_dir / "stays.csv").unlink()


def materialized_by_a_run(control: ControlPlane) -> None:
    job = control.definitions.resolve_implicit_global_asset_job_def().get_subset(
        asset_selection={dg.AssetKey("events"), dg.AssetKey("rejected_events")}, asset_check_selection=set()
    )
    assert job.execute_in_process(instance=control.instance).success


def wiped(control: ControlPlane) -> None:
    control.instance.wipe_assets([dg.AssetKey("events")])


@pytest.mark.parametrize("what_happens", [failed_catch_up, materialized_by_a_run, wiped])
def test_results_that_do_not_count_any_more_are_reported_again_at_once(
    control: ControlPlane, books: LedgerBooks, what_happens: Callable[[ControlPlane], None]
) -> None:
    load(books, inserted=5)
    sensor(control)
    assert sensor(control) == {}
    what_happens(control)
    again = sensor(control)
    assert set(again) == NAMES
    assert again["conservation"].passed
    # The tests' storage tells moments by the second; and the sentence about a stream that is gone says since when.
    wait_until(lambda: set(sensor(control)) <= {"stream_alive"})


def test_a_check_that_a_run_has_just_begun_to_measure_is_left_to_it(
    control: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    sensor(control)
    run = control.instance.create_run_for_job(spark_stream, status=dg.DagsterRunStatus.STARTED)
    key = dg.AssetCheckKey(dg.AssetKey("events"), "latency")
    control.instance.report_dagster_event(planned(key), run.run_id)
    assert sensor(control) == {}
    monkeypatch.setattr(shown_checks, "MEASURED_WITHIN", 0.0)
    assert set(sensor(control)) == {"latency"}, "it takes too long"


def planned(key: dg.AssetCheckKey) -> DagsterEvent:
    return DagsterEvent(
        DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED.value,
        spark_stream.name,
        event_specific_data=AssetCheckEvaluationPlanned(asset_key=key.asset_key, check_name=key.name),
    )


def test_a_red_result_of_a_button_is_put_right_by_the_next_tick(
    control: ControlPlane, books: LedgerBooks
) -> None:
    load(books, inserted=70, rejected=30)
    sensor(control)
    assert not button(control)["reject_rate"].passed
    run_sql(control.database.owner_url, "UPDATE ingest_batches SET committed_at = now() - interval '2 hours'")
    assert sensor(control)["reject_rate"].passed


def test_the_stream_is_reported_when_its_state_changes_although_the_verdict_stays(
    control: ControlPlane,
) -> None:
    with control.stream():
        control.update_lease("started_at = now()")
        assert (sensor(control)["stream_alive"].description or "").startswith("starting")
        control.update_lease("started_at = now() - interval '1 minute'")
        wait_until(lambda: control.lease("last_progress_at > started_at + interval '30 s'"))
        evaluation = sensor(control)["stream_alive"]
        assert evaluation.passed
        assert evaluation.description == "idle: nothing is waiting."
        assert sensor(control) == {}, "what does not change is not told again"
