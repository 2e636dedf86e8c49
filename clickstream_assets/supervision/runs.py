"""What the supervisor asks of Dagster and of the operating system: which runs are in flight, and who works at them.

Nothing is changed here; `ends` does that.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Literal

import dagster as dg
import psutil  # type: ignore[import-untyped]
from dagster._core.launcher import DefaultRunLauncher
from dagster._core.storage.tags import GRPC_INFO_TAG

from clickstream_assets.supervision.model import StreamRun

STREAM_JOB = "spark_stream"
CATCH_UP_POOL = "catch_up"
CLOCK_MARGIN = 1.0  # seconds between the kernel's start of a process and its first words
RUNS_LOOKED_AT = 20  # for one that streamed

Phase = Literal["queued", "starting", "started", "canceling"]
PHASES: dict[dg.DagsterRunStatus, Phase] = {
    dg.DagsterRunStatus.NOT_STARTED: "queued",
    dg.DagsterRunStatus.QUEUED: "queued",
    dg.DagsterRunStatus.STARTING: "starting",
    dg.DagsterRunStatus.STARTED: "started",
    dg.DagsterRunStatus.CANCELING: "canceling",
}
ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


def records_in_flight(instance: dg.DagsterInstance, job_name: str | None = None) -> list[dg.RunRecord]:
    """The runs that Dagster believes to be in flight, of one job or of all, the oldest first."""
    return list(
        instance.get_run_records(
            dg.RunsFilter(job_name=job_name, statuses=list(PHASES)), limit=100, ascending=True
        )
    )


def prepare_pool(instance: dg.DagsterInstance) -> None:
    """Make the pool of the catch-up runs known to Dagster, with the limit of dagster.yaml: it would learn of it while
    it takes the first of them from the queue, and take all that wait with it."""
    storage = instance.event_log_storage
    if storage.supports_global_concurrency_limits and CATCH_UP_POOL not in storage.get_concurrency_keys():
        storage.initialize_concurrency_limit_to_default(CATCH_UP_POOL)


def stream_runs(instance: dg.DagsterInstance) -> tuple[StreamRun, ...]:
    """The runs of the stream in flight, the oldest first, each with whether its worker still exists."""
    return tuple(
        StreamRun(
            record.dagster_run.run_id,
            PHASES[record.dagster_run.status],
            seconds_in_phase(record),
            worker_is_gone(instance, record),
        )
        for record in records_in_flight(instance, STREAM_JOB)
    )


def last_stream_run_id(instance: dg.DagsterInstance) -> str | None:
    """The stream's run that was created last among those that have ended.

    One that was cancelled before it started never streamed, and no stream's end is its.
    """
    records = instance.get_run_records(
        dg.RunsFilter(job_name=STREAM_JOB, statuses=ENDED), limit=RUNS_LOOKED_AT
    )
    canceled = dg.DagsterRunStatus.CANCELED
    streamed = (r for r in records if r.start_time is not None or r.dagster_run.status is not canceled)
    return next((record.dagster_run.run_id for record in streamed), None)


def is_known(instance: dg.DagsterInstance, run_id: str | None) -> bool:
    """Whether this Dagster has the run; where there is no run, there is nothing that it does not know."""
    return run_id is None or instance.get_run_by_id(run_id) is not None


def run_ended_at(instance: dg.DagsterInstance, run_id: str | None) -> datetime | None:
    """When a run ended; None while it is in flight, and for a run that this Dagster does not know."""
    if run_id is None:
        return None
    records = instance.get_run_records(dg.RunsFilter(run_ids=[run_id], statuses=ENDED), limit=1)
    if not records:
        return None
    ended = records[0].end_time
    return datetime.fromtimestamp(ended, UTC) if ended else utc(records[0].update_timestamp)


def seconds_in_phase(record: dg.RunRecord) -> float:
    """How long the run has been in its present status."""
    status = record.dagster_run.status
    if status is dg.DagsterRunStatus.STARTED and record.start_time is not None:
        return max(0.0, time.time() - record.start_time)
    return max(0.0, time.time() - utc(record.update_timestamp).timestamp())


def worker_process(instance: dg.DagsterInstance, run_id: str) -> tuple[int, float] | None:
    """The process id of a run's worker and the moment of its first words, once it has said them."""
    records = instance.get_records_for_run(
        run_id, of_type=dg.DagsterEventType.ENGINE_EVENT, limit=20, ascending=True
    ).records
    for record in records:
        event = record.event_log_entry.dagster_event
        value = event.event_specific_data.metadata.get("pid") if event else None  # type: ignore[union-attr]
        if value is not None:
            return int(str(value.value)), record.event_log_entry.timestamp
    return None


def living_worker(instance: dg.DagsterInstance, run_id: str) -> int | None:
    """The process id of a run's worker, if that process lives on this host."""
    worker = worker_process(instance, run_id)
    if worker is None:
        return None
    pid, first_words = worker
    try:
        process = psutil.Process(pid)
        # A process that began after the worker spoke has only inherited its number.
        is_same = process.create_time() <= first_words + CLOCK_MARGIN
        return pid if is_same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None


def worker_is_gone(instance: dg.DagsterInstance, record: dg.RunRecord) -> bool:
    """Whether the process of a started run is known to exist no more.

    Dagster's own monitoring can't tell: its default launcher has no health check, and after a crash of the code
    server a run is "started" for ever. That launcher's workers are children of the code server, on the host where
    sensors are evaluated too, so the process table of this host decides. Asking the code server would not do:
    after a reload it answers for its new process, which does not know the runs of the old one.
    """
    run = record.dagster_run
    if PHASES[run.status] == "queued" or not isinstance(instance.run_launcher, DefaultRunLauncher):
        return False
    if GRPC_INFO_TAG not in run.tags:  # executed by a person's own process, on whatever host
        return False
    if worker_process(instance, run.run_id) is None or living_worker(instance, run.run_id) is not None:
        return False
    # It may have ended properly between the two looks.
    return run_ended_at(instance, run.run_id) is None


def utc(moment: datetime) -> datetime:
    """A moment of Dagster's storage, which leaves the zone out."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
