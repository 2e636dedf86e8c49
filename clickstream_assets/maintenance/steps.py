"""Maintenance: what has to be done now and then so that nothing grows for ever. The steps, and running one.

Each step gets the connections that it needs, and gives numbers and one sentence.

Each step can be repeated, and does what is left. Two at a time wait for each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field

import psycopg2
from psycopg2 import errors, sql
from psycopg2.extensions import connection as Connection

from clickstream_assets.errors import ClickstreamError
from clickstream_assets.maintenance.finished_files import tidy_finished_files
from clickstream_assets.maintenance.log_trimming import trim_logs
from clickstream_assets.maintenance.retention import drop_expired
from clickstream_assets.maintenance.reused_ids import find_reused_ids
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.postgres.roles import Role
from clickstream_assets.settings import Settings
from clickstream_assets.sql_files import statement
from clickstream_assets.text import count, duration, first_line, moment, size

APPLICATION = "clickstream-maintenance"
WAIT_LIMIT = "60s"  # for another maintenance that does a step
# Autovacuum does not analyze a partitioned table itself, and its planner statistics are those of a join over months.
ANALYZED = ("events", "ingest_files", "ingest_batches", "rejected_events", "sessions", "product_performance")

Number = int | float | str


@dataclass(frozen=True)
class Maintenance:
    """What the steps work with."""

    connections: Connections

    @property
    def settings(self) -> Settings:
        return self.connections.settings

    def connection(self, role: Role) -> AbstractContextManager[Connection]:
        return self.connections.open(role)


@dataclass(frozen=True)
class StepResult:
    """What a step did: a sentence, and its numbers. `problem`: something is left that a person should look at."""

    sentence: str
    numbers: Mapping[str, Number] = field(default_factory=dict)
    problem: bool = False


class MaintenanceBusy(ClickstreamError):
    """Another maintenance does a step for too long. The message is one sentence."""


def make_partitions(maintenance: Maintenance) -> StepResult:
    """The partitions of events of this month and the next, so that no micro-batch has to make them."""
    with maintenance.connection("writer") as connection, connection.cursor() as cursor:
        cursor.execute(statement("maintenance.next_partitions"))
        (made,) = cursor.fetchone() or (0,)
    return StepResult(f"{made} partitions made.", {"partitions_made": made})


def drop_old_events(maintenance: Maintenance) -> StepResult:
    """The partitions of events that are wholly older than CLICKSTREAM_RETENTION_DAYS."""
    days = maintenance.settings.retention_days
    if days is None:
        return StepResult("CLICKSTREAM_RETENTION_DAYS is not set: every event is kept.")
    with maintenance.connection("owner") as owner, maintenance.connection("writer") as writer:
        done = drop_expired(owner, writer, days)
    rows = sum(partition.rows for partition in done.dropped)
    sentence = f"{len(done.dropped)} partitions with {count(rows)} events dropped"
    if done.dropped:
        sentence += f", before {moment(done.dropped[-1].to_time)}"
    numbers: dict[str, Number] = {
        "retention_days": days,
        "partitions_dropped": len(done.dropped),
        "rows_dropped": rows,
        "partitions": ", ".join(partition.partition for partition in done.dropped),
    }
    if done.postponed is not None:
        return StepResult(f"{sentence}; the rest waits: {done.postponed}.", numbers, problem=True)
    return StepResult(f"{sentence}.", numbers)


def finish_files(maintenance: Maintenance) -> StepResult:
    """Files that are in the database for good, as CLICKSTREAM_FINISHED_FILES says."""
    settings = maintenance.settings
    with maintenance.connection("writer") as connection:
        done = tidy_finished_files(connection, settings)
    numbers = {name: value for name, value in asdict(done).items() if name != "problem"}
    numbers["policy"] = settings.finished_files
    if settings.finished_files == "keep":
        return StepResult("CLICKSTREAM_FINISHED_FILES is keep: files stay where they are.", numbers)
    what = f"{count(done.archived)} files archived" if settings.finished_files == "archive" else ""
    what = what or f"{count(done.deleted)} files deleted"
    sentence = f"{what} ({size(done.size_bytes)}), of {count(done.on_disk)} in the events directory"
    if done.problem is not None:
        return StepResult(f"{sentence}; {done.problem}.", numbers, problem=True)
    return StepResult(f"{sentence}.", numbers)


def trim_history(maintenance: Maintenance) -> StepResult:
    """Dagster's old runs, events and logs, and what killed processes left."""
    settings = maintenance.settings
    done = trim_logs(settings.home, settings.checkpoint_dir, maintenance.connections, settings.dagster_days)
    sentence = (
        f"{count(done.runs)} runs and {count(done.events)} events of Dagster older than {settings.dagster_days} days, "
        f"{count(done.run_logs)} logs of runs and {count(done.scratch)} directories of ended JVMs removed; "
        f"{count(done.logs_cut)} logs cut."
    )
    return StepResult(sentence, asdict(done))


def find_reused(maintenance: Maintenance) -> StepResult:
    """The same event_id at another time, among the events that came since the last look."""
    with maintenance.connection("writer") as connection:
        done = find_reused_ids(connection)
    left = f"; {count(done.batches_left)} batches are left for the next time" if done.batches_left else ""
    return StepResult(
        f"{count(done.found)} events with an id that an earlier one has at another time, in {count(done.batches)}"
        f" batches{left}.",
        asdict(done),
    )


def analyze(maintenance: Maintenance) -> StepResult:
    """Statistics of the tables that PostgreSQL does not keep by itself: of events over all its partitions."""
    with maintenance.connection("owner") as connection, connection.cursor() as cursor:
        for table in ANALYZED:
            cursor.execute(sql.SQL(statement("maintenance.analyze")).format(table=sql.Identifier(table)))
    return StepResult(f"{len(ANALYZED)} tables analyzed.", {"tables": len(ANALYZED)})


# In this order: a file is archived before the look that may take minutes.
STEPS: Mapping[str, Callable[[Maintenance], StepResult]] = {
    "make_partitions": make_partitions,
    "drop_old_events": drop_old_events,
    "finish_files": finish_files,
    "trim_history": trim_history,
    "find_reused_ids": find_reused,
    "analyze_tables": analyze,
}


def run_step(maintenance: Maintenance, name: str) -> StepResult:
    """Do one step, alone. What the database refuses is a result that says so.

    Raises:
        MaintenanceBusy: another maintenance does a step for too long.
        psycopg2.OperationalError: the database does not answer.
    """
    # The transaction of the lock lasts as long as the step.
    with maintenance.connections.open("writer", autocommit=False) as lock:
        with lock.cursor() as cursor:
            cursor.execute(statement("session.limit_lock_wait"), {"limit": WAIT_LIMIT})
            try:
                cursor.execute(statement("maintenance.lock"))
            except errors.LockNotAvailable:
                raise MaintenanceBusy(
                    f"another maintenance has been at work for {duration(60)}: let it end."
                ) from None
            except errors.UndefinedTable as error:
                return _not_set_up(error)
        try:
            return STEPS[name](maintenance)
        except (errors.InsufficientPrivilege, errors.UndefinedTable, errors.UndefinedColumn) as error:
            return _not_set_up(error)
        except psycopg2.OperationalError:
            raise
        except psycopg2.Error as error:
            return StepResult(first_line(error), problem=True)


def _not_set_up(error: psycopg2.Error) -> StepResult:
    return StepResult(f"{first_line(error)}: run `clickstream setup-db`.", problem=True)
