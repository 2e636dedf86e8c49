"""What people launch that cannot be done: one sentence, no second attempt, and nothing done by halves."""

from __future__ import annotations

from typing import Any

import dagster as dg
import psycopg2
import pytest
from control_plane import ControlPlane
from pydantic import ValidationError

from clickstream_assets.assets.event_files import MOST_FILES
from clickstream_assets.definitions import build_definitions
from clickstream_assets.errors import SettingsError
from clickstream_assets.launches import LaunchConfig, failing_in_one_sentence

ASSETS = {
    "event_files": ["event_files"],
    "catch_up": ["events", "rejected_events"],
    "refresh_summaries": ["sessions", "hourly_traffic"],
}


def launch(control: ControlPlane, op: str, config: dict[str, Any], *assets: str) -> dg.ExecuteInProcessResult:
    run_config = {"ops": {op: {"config": config}}}
    if op == "replay":
        return control.execute("replay_rejects", run_config=run_config)
    job = control.definitions.resolve_implicit_global_asset_job_def().get_subset(
        asset_selection={dg.AssetKey(name) for name in assets or ASSETS[op]}, asset_check_selection=set()
    )
    return job.execute_in_process(instance=control.instance, run_config=run_config, raise_on_error=False)


@pytest.mark.parametrize(
    ("op", "config", "sentence"),
    [
        (
            "event_files",
            {"files": 10_000_000, "events": 10_000_000},
            "files is 10,000,000: the button lands at most",
        ),
        ("event_files", {"events": 10**11}, "events is 100,000,000,000: the button lands at most 10,000,000"),
        ("event_files", {"events": None}, "events is null: give a value, or leave the line out."),
        ("event_files", {"duplicates": -1.0}, "give a share from 0 to 1"),
        ("event_files", {"duplicates": float("nan")}, "give a share from 0 to 1"),
        ("catch_up", {"timeout_seconds": -1}, "timeout_seconds is -1: give seconds, 0 or more."),
        ("catch_up", {"timeout_seconds": float("nan")}, "timeout_seconds is nan: give seconds, 0 or more."),
        (
            "catch_up",
            {"timeout_seconds": None},
            "timeout_seconds is null: give a value, or leave the line out.",
        ),
        (
            "refresh_summaries",
            {"mode": "rebuild", "day": "9999-12-31"},
            "9999-12-31, the last that there is",
        ),
        ("refresh_summaries", {"mode": "rebuild", "day": "0001-01-01"}, "Not refreshed: sessions: "),
        ("refresh_summaries", {"mode": "rebuild", "day": "2026-02-30"}, "give it as YYYY-MM-DD"),
        ("replay", {}, "nothing was chosen"),
        ("replay", {"again": None}, "again is null: give a value, or leave the line out."),
        ("replay", {"file_id": 10**30}, "the database refuses: bigint out of range"),
        ("replay", {"reject_ids": [10**30]}, "the database refuses: bigint out of range"),
        ("replay", {"reason": "a\0b"}, "cannot contain NUL"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " not in value else None,
)
def test_what_cannot_be_done_fails_with_one_sentence_and_is_not_tried_again(
    control: ControlPlane, op: str, config: dict[str, Any], sentence: str
) -> None:
    result = launch(control, op, config)
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    assert not [event for event in result.all_events if event.is_step_up_for_retry]
    said = failed.step_failure_data.user_failure_data.description
    assert sentence in said
    assert "\n" not in said
    assert list(control.settings.events_dir.iterdir()) == []


def test_as_many_files_as_the_button_lands_are_landed(control: ControlPlane) -> None:
    assert launch(control, "event_files", {"files": 20, "events": 20}).success
    assert len(list(control.settings.events_dir.iterdir())) == 20
    assert MOST_FILES >= 20


@pytest.mark.parametrize("asset", ["events", "rejected_events"])
def test_each_of_the_two_tables_can_be_materialized_alone(control: ControlPlane, asset: str) -> None:
    result = launch(control, "catch_up", {}, asset)
    assert result.success
    made = [event.asset_key.to_user_string() for event in result.get_asset_materialization_events()]
    assert made == [asset]


def configs() -> list[type[LaunchConfig]]:
    assert build_definitions  # its import has brought them all
    return sorted(LaunchConfig.__subclasses__(), key=lambda config: config.__name__)


@pytest.mark.parametrize("config", configs(), ids=lambda config: config.__name__)
def test_a_null_is_refused_wherever_a_value_is_wanted(config: type[LaunchConfig]) -> None:
    wanted = [name for name, field in config.model_fields.items() if field.default is not None]
    assert wanted
    for name in wanted:
        with pytest.raises(SettingsError, match=f"^{name} is null"):
            config(**{name: None}).check()
    config().check()
    with pytest.raises(ValidationError):
        config(**{wanted[0]: object()})


def test_there_is_no_configuration_of_another_kind() -> None:
    ours = [
        config for config in dg.Config.__subclasses__() if config.__module__.startswith("clickstream_assets.")
    ]
    assert ours == [LaunchConfig]


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (psycopg2.OperationalError("server closed the connection\nunexpectedly"), True),
        (psycopg2.errors.SerializationFailure("could not serialize access"), True),
        (psycopg2.errors.UndefinedTable("relation is not there"), False),
        (OverflowError("date value out of range"), False),
        (SettingsError("it cannot be used."), False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_only_what_may_pass_is_tried_again(error: Exception, again: bool) -> None:
    with pytest.raises(dg.Failure) as raised, failing_in_one_sentence("Nothing was done"):
        raise error
    assert raised.value.allow_retries is again
    assert (raised.value.description or "").startswith("Nothing was done: ")
    assert "\n" not in (raised.value.description or "")
