"""The JDBC sink: Spark's own JDBC writer into a staging table, then the same commit as the COPY sink.

It needs no COPY, and speaks to the database through Spark's driver alone. A row of the table is a block of some
hundred events (`handover.row_blocks`). A retried task may leave its first attempt's blocks behind, which carry another
token.
"""

from __future__ import annotations

import os
import re
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import parse_dsn
from pyspark.sql import DataFrame

from clickstream_assets.database import CONNECT_TIMEOUT, connect
from clickstream_assets.database_url import addresses
from clickstream_assets.errors import DatabaseError, SettingsError
from clickstream_assets.sql_files import statement
from spark.handover.parts import Part
from spark.handover.row_blocks import ARRAYS, BLOCK_COLUMNS
from spark.handover.staging import Table, definitions
from spark.outage import Outage
from spark.sink.books import Batch
from spark.sink.commit import BatchCommit
from spark.sink.handovers import PartsHandover, close_quietly

DRIVER = "org.postgresql.Driver"
ENCRYPTION = ("sslmode", "sslrootcert", "sslcert", "sslkey")  # libpq's variables are PGSSLMODE and so on
PRIMARY = ("read-write", "primary")  # as libpq says it
BATCH_BLOCKS = 32  # of one JDBC batch: some megabytes


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
    """Options of Spark's JDBC writer for a libpq URL. The password is an option, never part of the URL.

    Raises:
        SettingsError: libpq would look up the address elsewhere, and Java's driver does not.
    """
    dsn = parse_dsn(url)
    if not dsn.get("host") or not dsn.get("dbname"):
        raise SettingsError(
            "the jdbc sink needs a URL that names the host and the database: a service file is read by libpq alone. "
            "Write them into CLICKSTREAM_DATABASE_URL, or use the copy sink."
        )
    given = {name: dsn.get(name) or os.environ.get(f"PG{name.upper()}") for name in ENCRYPTION}
    parameters = {name: value for name, value in given.items() if value}
    wanted = dsn.get("target_session_attrs") or os.environ.get("PGTARGETSESSIONATTRS") or ""
    if wanted in PRIMARY:  # of several servers
        parameters["targetServerType"] = "primary"
    # Text goes to columns of any type by their own input functions; and rows travel many at a time.
    parameters |= {"stringtype": "unspecified", "reWriteBatchedInserts": "true", "tcpKeepAlive": "true"}
    database = quote(dsn["dbname"], safe="")
    servers = ",".join(f"{host}:{port or '5432'}" for host, port in addresses(dsn))
    return {
        "url": f"jdbc:postgresql://{servers}/{database}?{urlencode(parameters, quote_via=quote)}",
        "user": dsn["user"],
        "password": dsn.get("password", ""),
        "driver": DRIVER,
        "batchsize": str(BATCH_BLOCKS),
    }


def check_arrays(url: str) -> None:
    """Raises DatabaseError where a NULL in our arrays would be a text of four letters.

    Spark's driver has sessions of its own, whose settings are those of the role and the database.

    Raises:
        psycopg2.Error: the database does not answer.
    """
    with closing(psycopg2.connect(url, connect_timeout=CONNECT_TIMEOUT)) as plain, plain.cursor() as cursor:
        cursor.execute(statement("session.array_nulls"))
        if cursor.fetchone() != ("on",):
            raise DatabaseError(
                "array_nulls is off for the role that writes, and the jdbc sink needs it: set it to on for the role "
                "and the database, or use the copy sink."
            )


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
        self._table: Table = ("staging", f"rows_e{batch.epoch}_{uuid.uuid4().hex}")

    def run(self, rows: DataFrame) -> list[Part]:
        self._on_table("staging.create_blocks", columns=definitions(BLOCK_COLUMNS))
        for column in ARRAYS:
            self._on_table("staging.uncompressed", column=sql.Identifier(column.name))
        _write(rows, self._url, ".".join(self._table))
        found: dict[int, Part] = {}
        for (text,) in self._on_table("staging.reported_blocks"):
            part = Part.from_json(text)
            found.setdefault(
                part.index, part
            )  # the writer commits a whole attempt, and a second one is the same
        return [found[index] for index in sorted(found)]

    def reported(self, index: int) -> Part | None:
        return None

    def pace(self, stored: int | None) -> None:
        """Nothing is stored while Spark works."""

    def store(self, commit: BatchCommit, part: Part) -> None:
        commit.storing.blocks(part, self._table)

    def end(self) -> None:
        self._on_table("staging.drop_part")

    def _on_table(self, name: str, **values: sql.Composable) -> list[tuple[Any, ...]]:
        with self._connection, self._connection.cursor() as cursor:
            cursor.execute(sql.SQL(statement(name)).format(tables=sql.Identifier(*self._table), **values))
            return cursor.fetchall() if cursor.description else []
