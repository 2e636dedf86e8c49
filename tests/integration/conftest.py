"""Fixtures of the integration tests: Dagster over the test's database, and the real stream in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import dagster as dg
import pytest
import yaml
from control_plane import ControlPlane
from databases import Database, RunningServer, run_sql
from psycopg2.extensions import connection as Connection

from clickstream_assets.database import connect
from clickstream_assets.database_url import with_database
from clickstream_assets.paths import PROJECT_ROOT
from clickstream_assets.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from stream_pipeline import Pipeline


@pytest.fixture
def reader(database: Database) -> Iterator[Connection]:
    """The reader's connection, each statement a transaction."""
    connection = connect(database.reader_url, "tests", autocommit=True)
    yield connection
    connection.close()


@pytest.fixture
def writer(database: Database) -> Iterator[Connection]:
    """The writer's connection, transactions as the code under test makes them."""
    connection = connect(database.writer_url, "tests")
    yield connection
    connection.close()


@pytest.fixture
def control(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ControlPlane]:
    """Dagster, the test's database, and an empty events directory."""
    settings = Settings.from_env(
        {"CLICKSTREAM_HOME": str(tmp_path / "home"), "CLICKSTREAM_DATABASE_URL": database.owner_url}
    )
    settings.events_dir.mkdir(parents=True)
    monkeypatch.setenv("STAND_IN_OWNER_URL", database.owner_url)
    with dg.instance_for_test() as instance:
        yield ControlPlane(instance, database, settings)


@pytest.fixture
def storage(postgres_server: RunningServer) -> Iterator[str]:
    """The address of a database for Dagster's own tables."""
    name = f"dagster_{uuid4().hex}"
    run_sql(postgres_server.url, f"CREATE DATABASE {name}")
    yield with_database(postgres_server.url, name)
    run_sql(postgres_server.url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def instance(storage: str) -> Iterator[dg.DagsterInstance]:
    """Dagster over its real storage and with the limits of dagster.yaml, as a deployment has it."""
    deployed = yaml.safe_load((PROJECT_ROOT / "dagster.yaml").read_text())
    deployed["storage"]["custom"]["config"]["postgres_url"] = storage
    settings = {name: deployed[name] for name in ("storage", "concurrency", "telemetry")}
    with dg.instance_for_test(overrides=settings) as instance:
        yield instance


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """One session for all tests: starting a JVM takes seconds."""
    from spark.stream.session import start_session

    jar = Settings.from_env().jdbc_jar
    home = str(tmp_path_factory.mktemp("spark"))
    settings = Settings.from_env({"CLICKSTREAM_HOME": home, "CLICKSTREAM_SPARK_MASTER": "local[2]"})
    session = start_session(settings, jar if jar.is_file() else None)
    yield session
    session.stop()


@pytest.fixture
def pipeline(spark: SparkSession, stream_database: Database, tmp_path: Path) -> Pipeline:
    """An empty events directory and an empty database."""
    from stream_pipeline import Pipeline

    settings = Settings.from_env(
        {"CLICKSTREAM_HOME": str(tmp_path / "home"), "CLICKSTREAM_SETTLE_SECONDS": "0"}
    )
    settings.events_dir.mkdir(parents=True)
    return Pipeline(spark, stream_database, settings)
