"""Ending runs, and the process that streams: through Dagster, by a signal, or by taking the lease.

Every use of the instance that Dagster does not call public is here or in `runs`, each in one function with a test.
"""

from __future__ import annotations

import os
import signal
import socket

import dagster as dg
import psutil  # type: ignore[import-untyped]
from dagster._core.errors import DagsterUserCodeProcessError, DagsterUserCodeUnreachableError
from psycopg2.extensions import connection as Connection

from clickstream_assets.ledger.facts import LeaseRow
from clickstream_assets.sql_files import statement
from clickstream_assets.supervision.runs import STREAM_JOB, living_worker, records_in_flight, worker_is_gone

HOLDER_MARGIN = 5.0  # seconds between the clocks of the database and of this host


def fail_run(instance: dg.DagsterInstance, run_id: str, reason: str) -> None:
    """Mark a run as failed whose worker cannot do it any more."""
    run = instance.get_run_by_id(run_id)
    if run is not None and not run.is_finished:
        instance.report_run_failed(run, reason)


def end_run(instance: dg.DagsterInstance, run_id: str, reason: str) -> None:
    """Ask a run to end: through Dagster; where its code server is gone, its worker; else mark it as failed."""
    run = instance.get_run_by_id(run_id)
    if run is None or run.is_finished:
        return
    instance.report_engine_event(f"The stream is ended: {reason}.", run)
    try:
        was_asked = instance.run_coordinator.cancel_run(run_id)
    except (DagsterUserCodeUnreachableError, DagsterUserCodeProcessError):
        was_asked = False
    if was_asked:
        return
    worker = living_worker(instance, run_id)
    if worker is None:
        fail_run(instance, run_id, f"{reason}; the run's worker could not be reached")
    else:
        os.kill(worker, signal.SIGINT)  # what the code server would have sent


def end_driver(lease: LeaseRow, connection: Connection) -> str:
    """Ask the process that holds the lease to end, as its run would: it finishes its micro-batch. On another host it
    cannot be asked, and its session is ended.

    Returns:
        What was done, as a clause.
    """
    if _signal(lease, signal.SIGINT):
        return f"process {lease.pid} was asked to end"
    return kill_driver(lease, connection)


def kill_driver(lease: LeaseRow, connection: Connection) -> str:
    """End the process that holds the lease, at once: by signal on this host, else by taking the lease from it.

    Returns:
        What was done, as a clause.
    """
    if _signal(lease, signal.SIGKILL):
        return f"process {lease.pid} was killed"
    with connection.cursor() as cursor:
        cursor.execute(statement("lease.end_sessions"), {"pid": lease.lock_backend_pid})
        cursor.execute(statement("lease.fence"))
    return f"the database sessions of process {lease.pid} on {lease.host} were ended, and its lease with them"


def _signal(lease: LeaseRow, number: signal.Signals) -> bool:
    """Send a signal to the holder. Returns whether it could be sent."""
    if lease.pid is None or lease.host != socket.gethostname() or not _is_as_old_as(lease):
        return False
    try:
        os.kill(lease.pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _is_as_old_as(lease: LeaseRow) -> bool:
    """Whether the process of the lease's number may be its holder: a container that was started again has its name and
    its numbers from before, and a session may outlive its process where the network was cut."""
    if lease.pid is None or lease.started_at is None:
        return False
    try:
        began = float(psutil.Process(lease.pid).create_time())
    except psutil.NoSuchProcess:
        return False
    return began <= lease.started_at.timestamp() + HOLDER_MARGIN


def reap_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark the runs of other jobs as failed whose workers are gone.

    A dead run of a summary counts as "in progress" and would keep it from being refreshed.
    """
    reaped = []
    for record in records_in_flight(instance):
        run = record.dagster_run
        if run.job_name != STREAM_JOB and worker_is_gone(instance, record):
            fail_run(
                instance, run.run_id, "The worker of this run is gone: it was killed, or its machine was."
            )
            reaped.append(run.run_id)
    return reaped
