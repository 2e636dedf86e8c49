"""The button of `events`: afterwards every file that was on disk is in, whoever did it."""

from __future__ import annotations

import threading
from typing import Any

import dagster as dg
import pytest
from control_plane import ControlPlane, wait_until
from databases import run_sql
from ledger_books import LedgerBooks, Part, state_on_disk


def land(control: ControlPlane, *names: str) -> None:
    for name in names:
        (control.settings.events_dir / name).write_text("event_id\n1\n")


def materialize(control: ControlPlane, timeout: float = 20.0) -> dg.ExecuteInProcessResult:
    job = control.definitions.resolve_implicit_global_asset_job_def()
    return job.execute_in_process(
        instance=control.instance,
        asset_selection=[dg.AssetKey("events"), dg.AssetKey("rejected_events")],
        run_config={"ops": {"catch_up": {"config": {"timeout_seconds": timeout}}}},
        raise_on_error=False,
    )


def metadata(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    (event,) = [m for m in result.get_asset_materialization_events() if m.asset_key == dg.AssetKey(asset)]
    return {name: value.value for name, value in event.materialization.metadata.items()}


def has_listed(control: ControlPlane) -> bool:
    """Whether the run has looked at the directory, and said so."""
    runs = control.instance.get_runs(limit=1)
    return bool(runs) and any(
        "files are waiting" in entry.user_message for entry in control.instance.all_logs(runs[0].run_id)
    )


def test_without_a_stream_the_run_loads_the_files_itself(control: ControlPlane) -> None:
    land(control, "a.csv", "b.csv")
    result = materialize(control)
    assert result.success
    assert control.lease("mode") == "catch-up"
    facts = metadata(result, "events")
    assert [facts[name] for name in ("files_caught_up", "rows_inserted", "dagster/row_count")] == [2, 2, 2]
    assert "view" in facts["preview"]
    assert metadata(result, "rejected_events")["rows_rejected"] == 0


def test_with_nothing_waiting_nobody_is_started(control: ControlPlane) -> None:
    assert materialize(control).success
    assert control.lease("epoch") == 0


def test_with_a_stream_the_run_waits_until_the_stream_has_the_files(control: ControlPlane) -> None:
    land(control, "a.csv")
    books = LedgerBooks(control.database.owner_url)

    def stream_takes_the_file() -> None:
        wait_until(lambda: has_listed(control))
        state = state_on_disk(control.settings.events_dir, "a.csv")
        file_id = books.add_file("a.csv", expected=1, chunks=1, state=state)
        land(control, "later.csv")  # must not be waited for
        books.commit(Part(file_id, inserted=1))

    thread = threading.Thread(target=stream_takes_the_file)
    with control.stream():
        thread.start()
        result = materialize(control)
        thread.join()
        assert result.success
        assert control.lease("mode") == "continuous"
    assert metadata(result, "events")["rows_inserted"] == 1


def test_a_stream_that_takes_nothing_leads_to_a_failure_that_names_the_files(control: ControlPlane) -> None:
    land(control, "stays.csv")
    with control.stream():
        result = materialize(control, timeout=0.5)
    (event,) = [event for event in result.all_events if event.is_step_failure]
    assert "1 files are still waiting" in str(event.step_failure_data.error)
    assert "stays.csv" in str(event.step_failure_data.error)


@pytest.mark.parametrize(
    ("lease", "waits"),
    [
        ("supervised_at = now()", True),
        ("supervised_at = now() - interval '2 minutes'", False),
        ("supervised_at = now(), wanted = 'stopped'", False),
        ("supervised_at = now(), failures = 3", False),
    ],
    ids=["watched", "not watched", "stopped", "crash-looping"],
)
def test_between_two_runs_of_the_stream_the_supervisor_goes_first(
    control: ControlPlane, lease: str, waits: bool
) -> None:
    land(control, "a.csv")
    control.update_lease(lease)
    result = materialize(control, timeout=2.0)
    assert result.success is not waits
    assert (control.lease("mode") is None) is waits, "it took the lease itself"


def test_a_program_that_fails_fails_the_materialization(
    control: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAND_IN", "fail")
    land(control, "a.csv")
    result = materialize(control)
    assert not result.success
    assert not result.get_asset_materialization_events()


def test_a_file_that_is_removed_meanwhile_is_not_waited_for(control: ControlPlane) -> None:
    land(control, "gone.csv")

    def remove() -> None:
        wait_until(lambda: has_listed(control))
        (control.settings.events_dir / "gone.csv").unlink()

    thread = threading.Thread(target=remove)
    with control.stream():
        thread.start()
        assert materialize(control).success
        thread.join()


def test_the_preview_shows_hostile_values_as_text(control: ControlPlane) -> None:
    books = LedgerBooks(control.database.owner_url)
    file_id = books.add_file("x.csv", expected=1, chunks=1)
    books.commit(Part(file_id, inserted=1))
    run_sql(
        control.database.owner_url,
        "UPDATE events SET user_id = %(text)s",
        {"text": "a|b\n<script>alert(1)</script> [x](javascript:y)"},
    )
    preview = metadata(materialize(control), "events")["preview"]
    assert len(preview.splitlines()) == 3
    assert "<script>" not in preview
    assert "](" not in preview
