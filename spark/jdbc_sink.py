"""The JDBC sink: Spark's own JDBC writer into staging tables, then the same merge as the COPY sink.

Slower than COPY, but it needs no Python in the tasks and speaks through Spark's driver alone. A retried task may
leave its first attempt's rows behind, so rows are told apart by file and line before the merge.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlencode

from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import parse_dsn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from clickstream_assets.database import connect, query
from spark.records import KEPT_BYTES, Flag
from spark.staging import Part

DEBIAN_JAR = Path("/usr/share/java/postgresql.jar")
DRIVER = "org.postgresql.Driver"
BATCH_ROWS = 10_000  # of one JDBC batch


class JdbcDriverMissing(Exception):
    """No JDBC driver was found. The message says how to get one."""


def find_jdbc_jar(configured: str | None) -> Path:
    """The PostgreSQL JDBC driver: `CLICKSTREAM_JDBC_JAR`, or Debian's package.

    Raises:
        JdbcDriverMissing: there is none.
    """
    jar = Path(configured).expanduser() if configured else DEBIAN_JAR
    if not jar.is_file():
        raise JdbcDriverMissing(
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
    return {
        "url": f"jdbc:postgresql://{_addresses(dsn)}/{database}?{urlencode(parameters, quote_via=quote)}",
        "user": dsn["user"],
        "password": dsn.get("password", ""),
        "driver": DRIVER,
        "batchsize": str(BATCH_ROWS),
    }


def _addresses(dsn: dict[str, str]) -> str:
    """The servers as JDBC writes them; libpq has hosts and ports in two lists, and one port may serve all."""
    hosts = dsn["host"].split(",")
    ports = (dsn.get("port") or "5432").split(",")
    ports = ports * len(hosts) if len(ports) == 1 else ports
    named = (f"[{host}]" if ":" in host else host for host in hosts)
    return ",".join(f"{host}:{port or '5432'}" for host, port in zip(named, ports, strict=True))


def stage_by_jdbc(cleaned: DataFrame, url: str, epoch: int) -> Part:
    """Write the rows of `cleaning.clean` into two new staging tables, and count them there."""
    token = uuid.uuid4().hex
    part = Part(0, token, ("staging", f"events_e{epoch}_{token}"), ("staging", f"rejects_e{epoch}_{token}"))
    connection = connect(url, "clickstream-stream-jdbc")
    try:
        with connection, connection.cursor() as cursor:
            create = sql.SQL(query("create_part"))
            names = {
                "events": sql.Identifier(part.events_table[1]),
                "rejects": sql.Identifier(part.rejects_table[1]),
            }
            cursor.execute(create.format(**names))
        cached = cleaned.persist()
        try:
            _write(cached, url, part)
            _note_void_files(cached, part)
        finally:
            cached.unpersist()
        with connection, connection.cursor() as cursor:
            _count(cursor.connection, part)
    finally:
        connection.close()
    return part


def _write(cleaned: DataFrame, url: str, part: Part) -> None:
    events = cleaned.where("reason IS NULL").select(
        "file_id", "line_no", "event_id", "event_time", "user_id", "session_id", "action_type", "product_id",
        "price", "user_agent", "extra",
    )  # fmt: skip
    raw = f"unhex(regexp_replace(hex(substring(value, 1, {KEPT_BYTES})), '(0D)?0A$', ''))"
    rejects = cleaned.where(f"reason IS NOT NULL AND flag < {Flag.CHUNK_CHANGED.value}").selectExpr(
        "file_id", "line_no", "byte_offset", "byte_length", f"{raw} AS raw", "reason", "detail"
    )
    options = jdbc_options(url)
    for frame, table in ((events, part.events_table), (rejects, part.rejects_table)):
        frame.write.format("jdbc").options(**options, dbtable=".".join(table)).mode("append").save()


def _note_void_files(cleaned: DataFrame, part: Part) -> None:
    void = cleaned.where(F.col("flag") >= Flag.CHUNK_CHANGED.value).select("file_id", "flag").distinct()
    part.void_files = {row.file_id: Flag(row.flag).name.lower() for row in void.collect()}


def _count(connection: Connection, part: Part) -> None:
    names = {"events": sql.Identifier(*part.events_table), "rejects": sql.Identifier(*part.rejects_table)}
    with connection.cursor() as cursor:
        for name in ("drop_repeated_events", "drop_repeated_rejects"):
            cursor.execute(sql.SQL(query(name)).format(**names))
        cursor.execute(sql.SQL(query("count_part_events_by_file")).format(**names))
        times: list[datetime] = []
        months: set[str] = set()
        for file_id, rows, low, high, file_months in cursor.fetchall():
            part.events_by_file[file_id] = rows
            times += [low, high]
            months.update(str(month) for month in file_months)
        cursor.execute(sql.SQL(query("count_part_rejects_by_file")).format(**names))
        part.rejects_by_file = dict(cursor.fetchall())
    part.events = sum(part.events_by_file.values())
    part.rejects = sum(part.rejects_by_file.values())
    part.months = sorted(months)
    if times:
        part.min_event_us, part.max_event_us = _microseconds(min(times)), _microseconds(max(times))


def _microseconds(moment: datetime) -> int:
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
