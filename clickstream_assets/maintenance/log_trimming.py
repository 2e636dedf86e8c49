"""Keeping small what grows beside the data: Dagster's history, logs of runs, and what killed JVMs leave.

Others keep their own small: `up` the logs of its programs (`up.processes`), the embedded server its log
(`postgres.server`), Spark its checkpoint (the newest 20 micro-batches).

Dagster prunes ticks by its own `retention`, but neither runs nor events; a refresh every 30 s is 2,900 runs a day.
These are deleted in its database (`sql/queries/dagster_runs.sql`), without its library, so that a command can
do it too.
"""

from __future__ import annotations

import re
import shutil
import socket
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import psycopg2
from psycopg2 import errors
from psycopg2.extensions import connection as Connection

from clickstream_assets.postgres.connections import Connections
from clickstream_assets.sql_files import statement
from clickstream_assets.up.processes import cap_log

RUNS_AT_ONCE = 500  # deleted in one transaction
EVENTS_AT_ONCE = 20_000
RUN_LOG_LIMIT = 50 * 2**20  # bytes of one log of a run that goes on: the stream's, which lasts for months
ORPHANED_LOG_SECONDS = 86400.0  # a log directory without a run, untouched for so long, belongs to none
SCRATCH_GRACE = timedelta(minutes=5)  # before the present stream began: its own files are younger
DAMAGED_CHECKPOINTS_KEPT = 3
RUN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SCRATCH = re.compile(r"(blockmgr|spark|artifacts|pyspark)-[0-9a-f-]{36}")


@dataclass(frozen=True)
class Trimmed:
    """What was removed."""

    runs: int = 0
    events: int = 0  # of Dagster, not ours
    run_logs: int = 0  # directories
    logs_cut: int = 0  # of runs that go on
    scratch: int = 0  # directories of ended JVMs
    checkpoints: int = 0  # that were damaged


def trim_dagster_storage(dagster: Connection, days: int) -> tuple[int, int]:
    """Delete runs that ended more than `days` ago and events as old; how many of each."""
    try:
        runs = _repeat(dagster, "dagster_runs.trim_runs", days, RUNS_AT_ONCE)
        events = _repeat(dagster, "dagster_runs.trim_events", days, EVENTS_AT_ONCE)
    except errors.UndefinedTable:
        return 0, 0  # Dagster has never run here
    return sum(row[0] for row in runs), sum(row[-1] for row in (*runs, *events))


def _repeat(connection: Connection, name: str, days: int, limit: int) -> list[tuple[int, ...]]:
    done: list[tuple[int, ...]] = []
    with connection.cursor() as cursor:
        while not done or done[-1][0] >= limit:
            cursor.execute(statement(name), {"days": days, "limit": limit})
            done.append(cursor.fetchone() or (0, 0))
    return done


def trim_run_logs(storage: Path, dagster: Connection, now: float) -> tuple[int, int]:
    """Remove the log directories of runs that are no more, and cut the logs of those that go on; how many."""
    found = storage.iterdir() if storage.is_dir() else ()
    directories = [path for path in found if RUN.fullmatch(path.name)]  # others hold what assets returned
    removed = cut = 0
    known = _known_runs(dagster, [path.name for path in directories])
    if known is None:
        return 0, 0
    for directory in directories:
        if directory.name not in known and now - directory.stat().st_mtime > ORPHANED_LOG_SECONDS:
            shutil.rmtree(directory, ignore_errors=True)
            removed += 1
        else:
            logs = [*directory.glob("compute_logs/*.out"), *directory.glob("compute_logs/*.err")]
            cut += sum(cap_log(log, RUN_LOG_LIMIT) for log in logs)
    return removed, cut


def _known_runs(dagster: Connection, names: list[str]) -> set[str] | None:
    with dagster.cursor() as cursor:
        try:
            cursor.execute(statement("dagster_runs.known_runs"), {"run_ids": names})
        except errors.UndefinedTable:
            return None
        return {run_id for (run_id,) in cursor}


def trim_scratch(spark_dir: Path, connection: Connection) -> int:
    """Remove what JVMs left that were killed: everything older than the stream that runs on this machine."""
    with connection.cursor() as cursor:
        cursor.execute(statement("lease.scratch_owner"))
        row = cursor.fetchone()
    if row is None or row[0] != socket.gethostname():
        return 0
    return _remove_older(spark_dir, row[1] - SCRATCH_GRACE)


def _remove_older(spark_dir: Path, before: datetime) -> int:
    removed = 0
    for path in spark_dir.iterdir() if spark_dir.is_dir() else ():
        if SCRATCH.fullmatch(path.name) and path.stat().st_mtime < before.timestamp():
            shutil.rmtree(path, ignore_errors=True)
            removed += 1
    return removed


def trim_damaged_checkpoints(checkpoint: Path) -> int:
    """Keep the newest few of the checkpoints that were moved aside."""
    damaged = sorted(
        checkpoint.parent.glob(f"{checkpoint.name}.damaged-*"),
        key=lambda path: int(path.name.rpartition("-")[2]),
    )
    for path in damaged[:-DAMAGED_CHECKPOINTS_KEPT]:
        shutil.rmtree(path, ignore_errors=True)
    return max(0, len(damaged) - DAMAGED_CHECKPOINTS_KEPT)


def trim_logs(home: Path, checkpoint: Path, connections: Connections, days: int) -> Trimmed:
    """All of it. A missing database of Dagster's is no error: the commands work without it."""
    try:
        with connections.open("dagster") as dagster:
            runs, events = trim_dagster_storage(dagster, days)
            run_logs, cut = trim_run_logs(home / "dagster" / "storage", dagster, time.time())
    except psycopg2.OperationalError:
        runs = events = run_logs = cut = 0
    with connections.open("reader") as reader:
        scratch = trim_scratch(home / "spark", reader)
    return Trimmed(
        runs=runs,
        events=events,
        run_logs=run_logs,
        logs_cut=cut,
        scratch=scratch,
        checkpoints=trim_damaged_checkpoints(checkpoint),
    )
