"""Fixtures that every folder of tests shares: a real PostgreSQL, and a fresh database a test.

Each folder has fixtures of its own for sample events, Spark and Dagster.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from databases import Database, RunningServer, server_with_schema, superuser_url
from hypothesis import HealthCheck, settings
from psycopg2 import sql
from xdist.scheduler import LoadScopeScheduling

from clickstream_assets.database import connect
from clickstream_assets.database_url import with_database, with_identity
from clickstream_assets.postgres.roles import ROLE_NAMES

PASSWORD = "test: p@ss/word%?"  # hostile to URLs on purpose
TEMPLATE = "clickstream_template"

# How long an example takes depends on what else the machine does.
settings.register_profile("no-deadline", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("no-deadline")

_numbers = count(1)


class OneStackAtATime(LoadScopeScheduling):
    """Two processes of tests: one has the acceptance tests, of which each starts all of Spark and Dagster, and the
    other begins with the rest, file by file."""

    def _split_scope(self, nodeid: str) -> str:
        return "acceptance" if "/acceptance/" in nodeid else nodeid.split("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return OneStackAtATime(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where everything is installed (CI), a skipped test is a failed one."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CLICKSTREAM_NO_SKIP"):
        report.outcome = "failed"
        report.longrepr = f"skipped, though CLICKSTREAM_NO_SKIP is set: {report.longrepr}"
    return report


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A short-named directory that every account can pass through (pytest's own is closed to others)."""
    path = Path(tempfile.mkdtemp(prefix="clickstream-test-", dir="/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[RunningServer]:
    """A real embedded server on a free port, in a directory of its own, ended with the session."""
    path = Path(tempfile.mkdtemp(prefix="clickstream-test-", dir="/tmp"))
    path.chmod(0o755)
    try:
        with server_with_schema(path, PASSWORD, TEMPLATE) as server:
            yield RunningServer(server, superuser_url(server, PASSWORD), PASSWORD)
    finally:
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def database(postgres_server: RunningServer) -> Iterator[Database]:
    """A database of its own for one test, cloned from a template with the schema."""
    yield from _cloned(postgres_server, f"test_{os.getpid()}_{next(_numbers)}")


@pytest.fixture
def fresh_database(postgres_server: RunningServer) -> Callable[[], AbstractContextManager[Database]]:
    """Makes such databases: hypothesis wants one for each of its examples."""
    clone = contextmanager(_cloned)
    return lambda: clone(postgres_server, f"test_{os.getpid()}_{next(_numbers)}")


@pytest.fixture
def stream_database(postgres_server: RunningServer) -> Iterator[Database]:
    """The same, under one name for all tests of the stream: Spark keeps its Python processes as long as their
    environment, and so the database's URL, stays the same."""
    yield from _cloned(postgres_server, f"test_{os.getpid()}_stream")


def _cloned(postgres_server: RunningServer, name: str) -> Iterator[Database]:
    _execute(postgres_server.url, "CREATE DATABASE {} TEMPLATE {}", name, TEMPLATE)
    owner_url = with_database(postgres_server.url, name)
    yield Database(
        name,
        owner_url,
        with_identity(owner_url, ROLE_NAMES["writer"], PASSWORD),
        with_identity(owner_url, ROLE_NAMES["reader"], PASSWORD),
    )
    _execute(postgres_server.url, "DROP DATABASE {} WITH (FORCE)", name)


def _execute(url: str, statement: str, *names: str) -> None:
    connection = connect(url, "tests", autocommit=True)
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
    finally:
        connection.close()
