"""Catch-up runs wait for each other in the queue, where they take no place of a refresh."""

from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg
from control_plane import ControlPlane
from dagster._core.execution.api import create_execution_plan
from dagster._core.op_concurrency_limits_counter import (
    GlobalOpConcurrencyLimitsCounter,
    compute_run_op_concurrency_info_for_snapshot,
)
from dagster._core.snap.execution_plan_snapshot import snapshot_from_execution_plan
from dagster._core.storage.dagster_run import DagsterRun, DagsterRunStatus, RunRecord

from clickstream_assets.supervision.runs import CATCH_UP_POOL, prepare_pool


def run_of(control: ControlPlane, *assets: str) -> DagsterRun:
    job = control.definitions.resolve_implicit_global_asset_job_def().get_subset(
        asset_selection={dg.AssetKey(name) for name in assets}, asset_check_selection=set()
    )
    plan = snapshot_from_execution_plan(create_execution_plan(job), job.get_job_snapshot_id())
    return DagsterRun(job.name, run_op_concurrency=compute_run_op_concurrency_info_for_snapshot(plan))


def is_blocked(instance: dg.DagsterInstance, run: DagsterRun, *in_progress: RunRecord) -> bool:
    storage = instance.event_log_storage
    counter = GlobalOpConcurrencyLimitsCounter(
        instance,
        [run],
        in_progress,
        storage.get_concurrency_keys(),
        storage.get_pool_limits(),
        pool_granularity=instance.get_concurrency_config().pool_config.pool_granularity,
    )
    return counter.is_blocked(run)


def test_a_second_catch_up_waits_and_a_refresh_does_not(
    control: ControlPlane, instance: dg.DagsterInstance
) -> None:
    prepare_pool(instance)
    prepare_pool(instance)
    (limit,) = instance.event_log_storage.get_pool_limits()
    assert (limit.name, limit.limit) == (CATCH_UP_POOL, 1)
    first = run_of(control, "events", "rejected_events")
    assert not is_blocked(instance, first)
    started = RunRecord(1, first.with_status(DagsterRunStatus.STARTED), datetime.now(UTC), datetime.now(UTC))
    assert is_blocked(instance, run_of(control, "events"), started)
    assert not is_blocked(instance, run_of(control, "hourly_traffic", "sessions"), started)
