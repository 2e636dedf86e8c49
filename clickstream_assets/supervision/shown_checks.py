"""What Dagster shows of checks at this moment: the last result, or why there is none.

A result does not count where a run has begun to measure the check and ended without doing so, and where the asset was
materialized since then, unless both happened without a run. An asset that was wiped has lost its results.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import dagster as dg
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecord
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus as CheckStatus

from clickstream_assets.thresholds import Verdict

MEASURED_WITHIN = (
    20.0  # seconds from a run's launch to its results; one that catches up first takes as long as it takes
)


@dataclass(frozen=True)
class ShownCheck:
    """The last result of a check, as far as it counts. `age` is in seconds."""

    verdict: Verdict | None = None
    description: str | None = None
    age: float = inf
    is_lost: bool = False  # no result counts, though there may have been some
    is_being_measured: bool = False  # by a run, which began a moment ago


LOST = ShownCheck(is_lost=True)


def shown_checks(instance: dg.DagsterInstance, keys: Sequence[dg.AssetCheckKey]) -> dict[str, ShownCheck]:
    """By name; `keys` are checks of one asset."""
    records = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(keys))
    materialized = instance.get_latest_materialization_event(keys[0].asset_key)
    return {
        key.name: _shown(instance, records[key], materialized) if key in records else LOST for key in keys
    }


def _shown(
    instance: dg.DagsterInstance, record: AssetCheckExecutionRecord, materialized: dg.EventLogEntry | None
) -> ShownCheck:
    # When it was said, by a clock of ours: the record's own is the storage's, whose zone is left out.
    age = time.time() - (record.event.timestamp if record.event else record.create_timestamp)
    if record.status is CheckStatus.PLANNED:
        run = instance.get_run_by_id(record.run_id)
        is_running = run is not None and not run.is_finished and age < MEASURED_WITHIN
        return ShownCheck(is_being_measured=True) if is_running else LOST
    is_of_another = materialized is not None and materialized.run_id != record.run_id
    if is_of_another and materialized is not None and materialized.timestamp >= record.create_timestamp:
        return LOST
    evaluation = record.evaluation
    if evaluation is None:
        return LOST
    return ShownCheck(verdict_of(evaluation), evaluation.description, age)


def verdict_of(evaluation: dg.AssetCheckEvaluation) -> Verdict:
    """The verdict that led to this result."""
    if evaluation.passed:
        return "pass"
    return "warn" if evaluation.severity is dg.AssetCheckSeverity.WARN else "error"
