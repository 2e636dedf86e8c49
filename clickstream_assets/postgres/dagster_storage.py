"""Dagster's own storage in PostgreSQL, with connections that are kept. Named in dagster.yaml.

Dagster opens a connection for every statement, except in its webserver: some 25 for each tick of a sensor, and each is
a process of the server and the arithmetic of a password. In a control room that had nothing to do that was four fifths
of the processor time of the daemon, of the code server and of PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import dagster as dg
import sqlalchemy as db
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage, PostgresScheduleStorage
from dagster_postgres.utils import create_pg_engine

KEPT = 1  # connection per process; one more is opened where two threads ask at once, and closed after use
RECYCLED_AFTER = 300  # seconds


class KeptConnections(DagsterPostgresStorage):
    """Dagster's storage for PostgreSQL; all of a process's instances of Dagster share one pool of connections.

    A tick of a sensor makes an instance of its own, so that a pool for each would keep nothing. The webserver replaces
    the pool by its own (`optimize_for_webserver`).
    """

    def __init__(self, postgres_url: str, inst_data: ConfigurableClassData | None = None) -> None:
        # Whether there are tables is asked once per process: the answer takes nine statements.
        super().__init__(postgres_url, postgres_url not in _prepared, inst_data)
        _prepared.add(postgres_url)
        self._schedule_storage = _ScheduleStorage(postgres_url, should_autocreate_tables=False)
        for storage in (self._run_storage, self._event_log_storage, self._schedule_storage):
            storage._engine = _shared_engine(postgres_url)

    @classmethod
    def config_type(cls) -> Any:
        return {"postgres_url": dg.StringSource}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> KeptConnections:
        return cls(config_value["postgres_url"], inst_data)


class _ScheduleStorage(PostgresScheduleStorage):
    """Does not ask the database's catalogue before every statement whether it was migrated five years ago."""

    def _has_instigators_table(self, conn: db.Connection) -> bool:
        return True

    def has_built_index(self, migration_name: str) -> bool:
        known = (self.postgres_url, migration_name)
        if known not in _built and super().has_built_index(migration_name):
            _built.add(known)
        return known in _built


_prepared: set[str] = set()
_built: set[tuple[str, str]] = set()


@cache
def _shared_engine(postgres_url: str) -> db.Engine:
    return create_pg_engine(
        postgres_url,
        isolation_level="AUTOCOMMIT",
        pool_size=KEPT,
        max_overflow=-1,
        pool_recycle=RECYCLED_AFTER,
        pool_pre_ping=True,  # or the first statement after an outage fails
    )
