"""Dagster's storage keeps its connections, and outlives their loss."""

from __future__ import annotations

import dagster as dg
from databases import run_sql

from clickstream_assets.postgres.dagster_storage import KeptConnections

SESSIONS = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"""
TERMINATE = f"SELECT pg_terminate_backend(pid, 5000) FROM ({SESSIONS}) AS sessions"


def _ask(instance: dg.DagsterInstance) -> None:
    """What a tick asks of each of the three storages."""
    instance.get_run_records(limit=1)
    instance.get_asset_records([dg.AssetKey("events")])
    instance.all_instigator_state()


def _tick(instance: dg.DagsterInstance) -> None:
    with dg.DagsterInstance.from_ref(instance.get_ref()) as of_a_tick:
        _ask(of_a_tick)


def test_dagster_asks_over_one_connection_tick_after_tick(instance: dg.DagsterInstance, storage: str) -> None:
    _tick(instance)
    (first,) = run_sql(storage, SESSIONS)
    for _ in range(3):
        _tick(instance)
        _ask(instance)
    assert run_sql(storage, SESSIONS) == [first]


def test_a_connection_that_was_cut_is_made_anew_without_an_error(
    instance: dg.DagsterInstance, storage: str
) -> None:
    _ask(instance)
    run_sql(storage, TERMINATE)
    _ask(instance)
    _tick(instance)
    assert len(run_sql(storage, SESSIONS)) == 1


def test_tables_are_made_by_the_first_instance_of_a_process(storage: str) -> None:
    KeptConnections(storage)
    tables = {
        name for (name,) in run_sql(storage, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    }
    assert {"runs", "event_logs", "instigators", "secondary_indexes"} <= tables
