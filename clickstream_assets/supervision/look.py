"""One look at the stream with Dagster's help: from the ledger, the disk and the runs to facts.

The supervisor and the alerts share it. `clickstream status` looks without Dagster (`monitoring.status`).
"""

from __future__ import annotations

import dagster as dg
from psycopg2.extensions import connection as Connection

from clickstream_assets.fitness import why_read_only
from clickstream_assets.ledger import reads as ledger
from clickstream_assets.ledger.waiting_by_source import read_all_waiting
from clickstream_assets.outages.stream_told import read_told
from clickstream_assets.postgres.roles import role_names
from clickstream_assets.settings import Settings
from clickstream_assets.sql_files import statement
from clickstream_assets.supervision import runs
from clickstream_assets.supervision.facts import stream_facts
from clickstream_assets.supervision.model import StreamFacts


def look_at_stream(
    instance: dg.DagsterInstance, connection: Connection, lease: ledger.LeaseRow, settings: Settings
) -> StreamFacts:
    """The facts at the moment `lease.now`."""
    taken_at = None
    if lease.lock_backend_pid is not None:
        with connection.cursor() as cursor:
            cursor.execute(statement("lease.lock_session"), {"pid": lease.lock_backend_pid})
            taken_at = (cursor.fetchone() or (None,))[0]
    return stream_facts(
        lease,
        read_all_waiting(connection, settings),
        ledger.read_last_batch(connection),
        lock_taken_at=taken_at,
        runs=runs.stream_runs(instance),
        holder_run_ended_at=runs.run_ended_at(instance, lease.dagster_run_id),
        holder_run_is_known=runs.is_known(instance, lease.dagster_run_id),
        last_run_id=runs.last_stream_run_id(instance),
        told=read_told(settings.home),
        read_only=why_read_only(connection, role_names(settings.role_prefix)["writer"]),
    )
