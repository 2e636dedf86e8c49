"""What turns without a sensor of ours where the checks are no longer measured."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from control_plane import ControlPlane
from dagster._core.definitions.freshness import FreshnessState
from dagster._core.definitions.freshness_evaluator import TimeWindowFreshnessPolicyEvaluator
from dagster._core.loader import LoadingContextForTest
from dagster._core.test_utils import freeze_time
from dagster._time import get_current_datetime

from clickstream_assets.assets import checks_reported
from clickstream_assets.checks import reporting
from clickstream_assets.sensors.sensors import event_check_results


def state(control: ControlPlane, minutes_later: float) -> FreshnessState:
    """As Dagster's daemon would judge it."""
    node = control.definitions.resolve_asset_graph().get(checks_reported.KEY)
    with freeze_time(get_current_datetime() + timedelta(minutes=minutes_later)):
        return asyncio.run(
            TimeWindowFreshnessPolicyEvaluator().evaluate_freshness(
                LoadingContextForTest(control.instance), node
            )
        )


def test_it_turns_when_the_checks_are_no_longer_measured_and_is_well_when_they_are(
    control: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    control.tick(event_check_results)
    assert [state(control, minutes) for minutes in (0, 2, 4, 6)] == [
        FreshnessState.PASS,
        FreshnessState.PASS,
        FreshnessState.WARN,
        FreshnessState.FAIL,
    ]
    with freeze_time(get_current_datetime() + timedelta(minutes=6)):
        monkeypatch.setattr(reporting, "REPORT_EVERY", 0.0)
        control.tick(event_check_results)
        assert state(control, 1) is FreshnessState.PASS


def test_measuring_that_reports_nothing_new_writes_nothing(control: ControlPlane) -> None:
    control.tick(event_check_results)
    assert control.tick(event_check_results).asset_events == []
