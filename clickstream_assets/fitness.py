"""What a database must be before anything is written to it: UTF8, writable, and reached by sessions of its own.

What is wrong with a database is said in one sentence. The settings of a session are in `database`.
"""

from __future__ import annotations

from contextlib import closing

import psycopg2
from psycopg2 import errors
from psycopg2.extensions import connection as Connection

from clickstream_assets.database import ENCODING, connect
from clickstream_assets.errors import DatabaseError
from clickstream_assets.sql_files import newest_version, statement
from clickstream_assets.text import first_line, one_line

OLDEST_SERVER = 140000
LACKS_SCHEMA = (errors.UndefinedTable, errors.UndefinedColumn, errors.UndefinedFunction)


class DatabaseReadOnly(DatabaseError):
    """Nothing can be written at present."""


def check_server(connection: Connection) -> None:
    """Raises DatabaseError where the server is older than PostgreSQL 14, or the database does not store UTF8."""
    info = connection.info
    if connection.server_version < OLDEST_SERVER:
        version = info.parameter_status("server_version")
        raise DatabaseError(f"the server is PostgreSQL {version}: this needs PostgreSQL 14 or newer.")
    if (encoding := info.parameter_status("server_encoding")) != ENCODING:
        raise DatabaseError(
            f"the database {info.dbname} stores text as {encoding}, and events need {ENCODING}: make another one with "
            f"CREATE DATABASE … ENCODING '{ENCODING}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0, and name it in "
            "CLICKSTREAM_DATABASE_URL."
        )


def check_schema(connection: Connection) -> None:
    """Raises DatabaseError where the schema is older or newer than this program.

    Raises:
        psycopg2.Error: there is none (`LACKS_SCHEMA`).
    """
    with connection.cursor() as cursor:
        cursor.execute(statement("setup.installed_version"))
        (installed,) = cursor.fetchone() or (None,)
    needed, found = newest_version(), installed or 1
    if found == needed:
        return
    advice = (
        "run `clickstream setup-db`"
        if found < needed
        else "run the program that belongs to it, or a newer one"
    )
    raise DatabaseError(
        f"the schema of the database has version {found}, and this program needs {needed}: {advice}."
    )


def why_read_only(connection: Connection, role: str) -> str | None:
    """Why `role` can write nothing in this database; None where it can."""
    with connection.cursor() as cursor:
        cursor.execute(statement("session.why_read_only"), {"role": role})
        (reason,) = cursor.fetchone() or (None,)
    return reason and read_only_sentence(reason)


def sentence_of(error: psycopg2.Error) -> str:
    """What PostgreSQL said, as one sentence."""
    first = first_line(error)
    if isinstance(error, errors.ReadOnlySqlTransaction):
        return read_only_sentence(first)
    if isinstance(error, LACKS_SCHEMA):
        return f"the database lacks a part of the schema ({first}): run `clickstream setup-db`."
    return f"the database does not answer as it should: {first}"


def unreachable(error: Exception) -> str:
    """Why somebody who only asks gets no answer, as one sentence."""
    if isinstance(error, psycopg2.Error) and not isinstance(
        error, (*LACKS_SCHEMA, errors.ReadOnlySqlTransaction)
    ):
        return f"the database cannot be reached: {one_line(error)}"
    return sentence_of(error) if isinstance(error, psycopg2.Error) else one_line(error)


def read_only_sentence(reason: str) -> str:
    return f"the database is read-only ({reason}): name the one that can be written, or let it be written."


def check_writable(connection: Connection) -> None:
    """Raises DatabaseReadOnly where the role of this connection can write nothing."""
    if (sentence := why_read_only(connection, connection.info.user)) is not None:
        raise DatabaseReadOnly(sentence)


def check_own_sessions(url: str) -> None:
    """Raises DatabaseError where a pooler on the way gives a session of the server to one client after the other.

    Two clients that are connected at the same time then have the same session, or one has another one each time; a
    lock, a temporary table and a setting are somebody else's a moment later.
    """
    with (
        closing(connect(url, "clickstream-pooling", autocommit=True)) as first,
        closing(connect(url, "clickstream-pooling")) as second,
    ):
        before, other, after = (_session(connection) for connection in (first, second, first))
    if before != after or before == other:
        raise DatabaseError(
            "the way to the database is a pooler in transaction mode, where a session keeps neither lock nor settings: "
            "name the server itself, or a pooler in session mode."
        )


def _session(connection: Connection) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement("session.pid"))
        (pid,) = cursor.fetchone() or (0,)
    return int(pid)
