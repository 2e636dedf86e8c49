"""The JDBC sink: Spark's own JDBC writer into a staging table, then the same commit as the COPY sink.

It needs no COPY, and speaks to the database through Spark's driver alone. A retried task may leave its first
attempt's rows behind, so rows are told apart by file and line before they are merged.
"""

from __future__ import annotations

import re
import uuid
from datetime import datetime
from pathlib import Path
from urllib.parse import quote, urlencode

from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from psycopg2.extensions import parse_dsn
from pyspark.sql import DataFrame

from clickstream_assets.database import connect
from clickstream_assets.database_url import addresses
from clickstream_assets.errors import SettingsError
from clickstream_assets.sql_files import statement
from spark.handover.parts import Part
from spark.handover.row_batches import ROWS
from spark.handover.staging import StagingTables, definitions
from spark.outage import Outage
from spark.sink.books import Batch, microseconds
from spark.sink.commit import BatchCommit
from spark.sink.handovers import PartsHandover, close_quietly

DRIVER = "org.postgresql.Driver"
BATCH_ROWS = 10_000  # of one JDBC batch


def find_jdbc_jar(jar: Path) -> Path:
    """The PostgreSQL JDBC driver, where it is there.

    Raises:
        SettingsError: there is none.
    """
    if not jar.is_file():
        raise SettingsError(
            f"The jdbc sink needs PostgreSQL's JDBC driver, and {jar} is no file: install libpostgresql-jdbc-java, "
            "or set CLICKSTREAM_JDBC_JAR to the driver's path, or use the copy sink."
        )
    return jar


def jdbc_options(url: str) -> dict[str, str]:
    """Options of Spark's JDBC writer for a libpq URL. The password is an option, never part of the URL."""
    dsn = parse_dsn(url)
    passed_on = ("sslmode", "sslrootcert", "sslcert", "sslkey")
    parameters = {name: dsn[name] for name in passed_on if name in dsn}
    # Text goes to uuid, numeric and jsonb columns by their own input functions; and rows travel many at a time.
    parameters |= {"stringtype": "unspecified", "reWriteBatchedInserts": "true", "tcpKeepAlive": "true"}
    database = quote(dsn["dbname"], safe="")
    servers = ",".join(f"{host}:{port or '5432'}" for host, port in addresses(dsn))
    return {
        "url": f"jdbc:postgresql://{servers}/{database}?{urlencode(parameters, quote_via=quote)}",
        "user": dsn["user"],
        "password": dsn.get("password", ""),
        "driver": DRIVER,
        "batchsize": str(BATCH_ROWS),
    }


def _write(rows: DataFrame, url: str, table: str) -> None:
    """Raises Outage for whatever PostgreSQL says: the table takes any text, so it is never about a row."""
    try:
        rows.write.format("jdbc").options(**jdbc_options(url), dbtable=table).mode("append").save()
    except Exception as error:
        if (said := re.search(r"PSQLException: (.+)", str(error))) is None:
            raise
        raise Outage(f"the database does not answer Spark as it should: {said[1]}") from None


class JdbcHandover:
    """By Spark's JDBC writer, into one staging table per micro-batch."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Connection | None = None

    def begin(self, batch: Batch) -> PartsHandover:
        if self._connection is None:
            self._connection = connect(self._url, "clickstream-stream-jdbc")
        return _JdbcParts(self._url, self._connection, batch)

    def close(self) -> None:
        close_quietly(self._connection)


class _JdbcParts:
    reports_early = False

    def __init__(self, url: str, connection: Connection, batch: Batch) -> None:
        self._url = url
        self._connection = connection
        self._records = sum(chunk.records for chunk in batch.chunks)
        self._token = uuid.uuid4().hex
        table = ("staging", f"rows_e{batch.epoch}_{self._token}")
        self._tables = StagingTables(table, table)

    def run(self, rows: DataFrame) -> list[Part]:
        with self._connection, self._connection.cursor() as cursor:
            cursor.execute(
                sql.SQL(statement("staging.create_rows_table")).format(
                    rows=sql.Identifier(*self._tables.events), columns=definitions(ROWS)
                )
            )
        table = ".".join(self._tables.events)
        _write(rows, self._url, table)
        with self._connection, self._connection.cursor() as cursor:
            part = self._counted(cursor)
            if part.event_rows + part.reject_rows > self._records:
                self._on_table(cursor, "staging.drop_repeated_rows")
                part = self._counted(cursor)
        return [part]

    def reported(self, index: int) -> Part | None:
        return None

    def pace(self, stored: int | None) -> None:
        """Nothing is stored while Spark works."""

    def store(self, commit: BatchCommit, part: Part) -> None:
        commit.store_staged(part, self._tables)

    def end(self) -> None:
        """The commit dropped the table; a batch that failed leaves it to the next stream."""

    def _on_table(self, cursor: Cursor, name: str) -> None:
        cursor.execute(sql.SQL(statement(name)).format(rows=sql.Identifier(*self._tables.events)))

    def _counted(self, cursor: Cursor) -> Part:
        part = Part(0, self._token, None)
        self._on_table(cursor, "staging.count_rows_table")
        times: list[datetime] = []
        months: set[str] = set()
        for file_id, events, rejects, void, low, high, file_months in cursor.fetchall():
            if events:
                part.events[file_id] = events
                times += [low, high]
                months.update(str(month) for month in file_months)
            if rejects:
                part.rejects[file_id] = rejects
            if void is not None:
                part.void_files[file_id] = void
        part.months = sorted(months)
        if times:
            part.min_event_us, part.max_event_us = microseconds(min(times)), microseconds(max(times))
        return part
