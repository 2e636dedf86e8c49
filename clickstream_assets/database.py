"""Connections to PostgreSQL, opened the way every part of this project wants them.

The statements are in `sql/` (`sql_files`).

A session is ours, whatever the server, the database, the role or a pooler say: what our statements depend on is set
after connecting, and read back. Options of the start would be dropped by a pooler, or refused.
"""

from __future__ import annotations

from collections.abc import Mapping

import psycopg2
from psycopg2.extensions import connection as Connection

from clickstream_assets.errors import DatabaseError
from clickstream_assets.sql_files import statement

CONNECT_TIMEOUT = 10  # seconds
VANISHED_AFTER = 15  # seconds until a peer that does not answer counts as gone
ENCODING = "UTF8"
SESSION: Mapping[str, str] = {
    "search_path": "public",
    "client_encoding": ENCODING,
    "TimeZone": "UTC",  # days and hours are UTC; and a text without a zone is UTC
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "standard_conforming_strings": "on",
    "array_nulls": "on",  # or else the NULL in an array is a text of four letters
    "default_transaction_isolation": "read committed",  # what the refresh of a summary and the fence rely on
    "default_transaction_deferrable": "off",
    # No limits of somebody else: a stream waits for its next file as long as it takes. Who wants one sets it.
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_session_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}
SESSION_FROM_17: Mapping[str, str] = {"transaction_timeout": "0"}
# A client that was cut off would hold its locks for as long as the system likes, by default hours. Not read back: a
# Unix socket has none of these.
KEEPALIVES: Mapping[str, str] = {
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "3",
    "tcp_keepalives_count": "3",
}


def connect(url: str, application_name: str, *, autocommit: bool = False) -> Connection:
    """Open a connection with our settings whose two ends notice within 15 s that the other one has vanished.

    Raises:
        psycopg2.OperationalError: the server cannot be reached or refuses.
        DatabaseError: the session does not take our settings.
    """
    connection = psycopg2.connect(
        url,
        application_name=application_name,
        connect_timeout=CONNECT_TIMEOUT,
        client_encoding=ENCODING,  # by this one psycopg2 itself encodes; it would else be PGCLIENTENCODING's
        keepalives=1,
        keepalives_idle=5,
        keepalives_interval=3,
        keepalives_count=3,
        # No keepalives are sent while sent bytes are unacknowledged, and these are sent again for 15 min.
        tcp_user_timeout=VANISHED_AFTER * 1000,
    )
    try:
        connection.autocommit = True  # what is set in a transaction goes with it
        _set_session(connection)
        connection.autocommit = autocommit
    except BaseException:
        connection.close()
        raise
    return connection


def _set_session(connection: Connection) -> None:
    wanted = {**SESSION, **(SESSION_FROM_17 if connection.server_version >= 170000 else {})}
    everything = {**wanted, **KEEPALIVES}
    with connection.cursor() as cursor:
        cursor.execute(
            statement("session.set"), {"names": list(everything), "values": list(everything.values())}
        )
        found = dict(cursor.fetchall())
        # A file is deleted once it is committed, so a commit must outlive a crash. Stricter is the owner's choice.
        cursor.execute(statement("session.durable"))
    for name, value in wanted.items():
        if found[name] != value:
            raise DatabaseError(f"the database makes {name} '{found[name]}' where this needs '{value}'.")
