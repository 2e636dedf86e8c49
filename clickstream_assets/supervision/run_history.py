"""What Dagster remembers: how runs ended, and the latest results of checks. The alerts and the audits ask for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import dagster as dg
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecord
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus as CheckStatus

from clickstream_assets.supervision.runs import utc
from clickstream_assets.text import first_line


@dataclass(frozen=True)
class RunEnd:
    """A run that succeeded or failed. `assets`: those it was asked for by name; none where it was a job."""

    run_id: str
    job_name: str
    assets: frozenset[str]
    succeeded: bool
    at: float  # seconds since 1970
    error: str  # first line; empty where it succeeded


def runs_ended_after(instance: dg.DagsterInstance, moment: datetime, limit: int = 100) -> list[RunEnd]:
    """The runs that succeeded or failed after `moment`, in the order of their ends. Terminated ones are neither."""
    records = instance.get_run_records(
        dg.RunsFilter(
            statuses=[dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE], updated_after=moment
        ),
        limit=limit,
        order_by="update_timestamp",
        ascending=True,
    )
    ends = []
    for record in records:
        run = record.dagster_run
        succeeded = run.status is dg.DagsterRunStatus.SUCCESS
        ends.append(
            RunEnd(
                run.run_id,
                run.job_name,
                frozenset(key.to_user_string() for key in run.asset_selection or ()),
                succeeded,
                utc(record.update_timestamp).timestamp(),
                "" if succeeded else _error_of(instance, run.run_id),
            )
        )
    return ends


def _error_of(instance: dg.DagsterInstance, run_id: str) -> str:
    """The first line of why a run failed."""
    for kind in (dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE):
        for record in instance.get_records_for_run(run_id, of_type=kind, limit=1).records:
            event = record.event_log_entry.dagster_event
            if event is None:
                continue
            if kind is dg.DagsterEventType.STEP_FAILURE:
                data = event.step_failure_data
                error = data.error.cause if data.error and data.error.cause else data.error
                if data.user_failure_data and data.user_failure_data.description:
                    return first_line(data.user_failure_data.description)
                if error:
                    return first_line(error.message)
            elif event.message:
                return first_line(event.message)
    return "it left no word"


def latest_evaluations(
    instance: dg.DagsterInstance, keys: Sequence[dg.AssetCheckKey]
) -> dict[dg.AssetCheckKey, dg.AssetCheckEvaluation]:
    """The latest result of each check, in one query; none for a check that a run is measuring at this moment."""
    records = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(keys))
    found = {key: _evaluation(record) for key, record in records.items()}
    return {key: evaluation for key, evaluation in found.items() if evaluation is not None}


def last_evaluation(instance: dg.DagsterInstance, key: dg.AssetCheckKey) -> dg.AssetCheckEvaluation | None:
    """The last result of a check, also while a run is measuring it anew."""
    ended = {CheckStatus.SUCCEEDED, CheckStatus.FAILED}
    records = instance.event_log_storage.get_asset_check_execution_history(key, limit=1, status=ended)
    return _evaluation(records[0]) if records else None


def _evaluation(record: AssetCheckExecutionRecord) -> dg.AssetCheckEvaluation | None:
    event = record.event.dagster_event if record.event else None
    if event is None or event.event_type is not dg.DagsterEventType.ASSET_CHECK_EVALUATION:
        return None
    return event.asset_check_evaluation_data
