"""Where loads are measured: a PostgreSQL server, event files and one Spark session, made for it and removed.

Together with `variants.own`, the one module of the benchmarks that knows the stream's own modules.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from psycopg2.sql import Composable
from pyspark.sql import SparkSession

from benchmarks.cpu import CpuMeter
from benchmarks.statements import on_table, statement
from clickstream_assets.contract import STREAM_URL_VARIABLE
from clickstream_assets.database import connect
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.postgres.schema import setup_databases
from clickstream_assets.postgres.sharing import database_running
from clickstream_assets.settings import Settings
from spark.sink import jdbc as jdbc_sink
from spark.stream import warm_up
from spark.stream.session import start_session


@dataclass(frozen=True)
class Place:
    """One run of the benchmarks."""

    settings: Settings
    spark: SparkSession
    owner_url: str
    writer_url: str
    cpu: CpuMeter

    @property
    def files(self) -> list[Path]:
        return sorted(self.settings.events_dir.glob("*.csv"))

    def run(self, *statements: str | Composable) -> None:
        """Run statements as the owner, each committed by itself."""
        run_as(self.owner_url, *statements)

    def count(self, table: str) -> int:
        connection = connect(self.owner_url, "benchmarks", autocommit=True)
        try:
            with connection.cursor() as cursor:
                cursor.execute(on_table("count_rows", table))
                return int((cursor.fetchone() or (0,))[0])
        finally:
            connection.close()

    def empty(self) -> None:
        """Forget all that was loaded, and write out what the last run left to write."""
        self.run(statement("empty"), statement("checkpoint"))
        shutil.rmtree(self.settings.checkpoint_dir, ignore_errors=True)

    def clear_files(self) -> None:
        shutil.rmtree(self.settings.events_dir)
        self.settings.events_dir.mkdir()

    def ensure_partitions(self, months: Sequence[date]) -> None:
        """Loads that are not the pipeline's make no partitions."""
        connection = connect(self.owner_url, "benchmarks", autocommit=True)
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement("partitions"), {"months": list(months)})
        finally:
            connection.close()

    def warm_up_tasks(self) -> None:
        """Spark ends its idle Python workers while others load; a stream with a backlog has them, as it has its JVM."""
        warm_up.warm_up_tasks(self.spark)


def jdbc_options(url: str) -> dict[str, str]:
    """Options of Spark's JDBC writer."""
    return jdbc_sink.jdbc_options(url)


def jdbc_jar() -> Path:
    """The PostgreSQL JDBC driver.

    Raises:
        SettingsError: there is none.
    """
    return jdbc_sink.find_jdbc_jar(Settings.from_env().jdbc_jar)


def run_as(url: str, *statements: str | Composable) -> None:
    connection = connect(url, "benchmarks", autocommit=True)
    try:
        with connection.cursor() as cursor:
            for each in statements:
                cursor.execute(each)
    finally:
        connection.close()


@contextmanager
def benchmark_place(*, with_jdbc: bool) -> Iterator[Place]:
    """A server with the settings of `clickstream up`, and a session as the stream has; removed at the end.

    Raises:
        SettingsError: the driver is wanted and not found.
    """
    jar = jdbc_jar() if with_jdbc else None
    home = Path(tempfile.mkdtemp(prefix="clickstream-bench-"))
    home.chmod(0o755)  # as root, PostgreSQL runs under another account
    settings = Settings.from_env(
        {"CLICKSTREAM_HOME": str(home), "CLICKSTREAM_EVENTS_DIR": str(home / "events")}
    )
    settings.events_dir.mkdir()
    try:
        with database_running(settings):
            setup_databases(Connections(settings))
            owner, writer = Connections(settings).url("owner"), Connections(settings).url("writer")
            os.environ[STREAM_URL_VARIABLE] = writer
            spark = start_session(settings, jar)
            spark.sparkContext.setLogLevel("ERROR")
            try:
                yield Place(settings, spark, owner, writer, CpuMeter.beside(owner))
            finally:
                spark.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)
