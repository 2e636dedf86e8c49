"""Where the benchmarks run: a PostgreSQL of their own, event files, and one Spark session.

Belongs here: making and removing these. Does not belong here: what is measured.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg2.extensions import connection as Connection
from pyspark.sql import SparkSession

from clickstream_assets.credentials import role_url
from clickstream_assets.database import connect
from clickstream_assets.embedded_postgres import database_running
from clickstream_assets.schema import setup_databases
from clickstream_assets.settings import Settings
from spark.session import start_session
from spark.sink.jdbc import find_jdbc_jar
from spark.source.data_source import URL_VARIABLE

OUR_TABLES = "events, rejected_events, event_conflicts, ingest_batches, ingest_chunks, ingest_files"


@dataclass(frozen=True)
class Place:
    """One run of the benchmarks."""

    settings: Settings
    spark: SparkSession
    owner_url: str
    writer_url: str

    @property
    def files(self) -> list[Path]:
        return sorted(self.settings.events_dir.glob("*.csv"))

    def connect(self) -> Connection:
        """A connection of the owner that commits each statement."""
        return connect(self.owner_url, "benchmarks", autocommit=True)

    def run(self, *statements: str) -> None:
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
        finally:
            connection.close()

    def count(self, table: str) -> int:
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT count(*) FROM {table}")
                return int((cursor.fetchone() or (0,))[0])
        finally:
            connection.close()

    def empty(self) -> None:
        """Forget all that was loaded, and write out what the last run left to write."""
        self.run(f"TRUNCATE {OUR_TABLES} CASCADE", "CHECKPOINT")
        shutil.rmtree(self.settings.checkpoint_dir, ignore_errors=True)


@contextmanager
def benchmark_place(*, with_jdbc: bool) -> Iterator[Place]:
    """A server with the settings of `clickstream up`, and a session as the stream has; removed at the end.

    Raises:
        JdbcDriverMissing: the driver is wanted and not found.
    """
    jar = find_jdbc_jar(os.environ.get("CLICKSTREAM_JDBC_JAR")) if with_jdbc else None
    home = Path(tempfile.mkdtemp(prefix="clickstream-bench-"))
    home.chmod(0o755)
    settings = Settings.from_env(
        {"CLICKSTREAM_HOME": str(home), "CLICKSTREAM_EVENTS_DIR": str(home / "events")}
    )
    settings.events_dir.mkdir()
    try:
        with database_running(settings):
            setup_databases(settings)
            owner, writer = role_url(settings, "owner"), role_url(settings, "writer")
            os.environ[URL_VARIABLE] = writer
            spark = start_session(settings.spark_master, home, str(jar) if jar else None)
            spark.sparkContext.setLogLevel("ERROR")
            try:
                yield Place(settings, spark, owner, writer)
            finally:
                spark.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)
