"""Connections to PostgreSQL and the SQL files.

Belongs here: opening a connection the way every part of this project wants it, and reading `sql/`. Does not
belong here: any query; each lives in a file under `sql/` and is run by the module that needs it.
"""

from __future__ import annotations

from functools import cache

import psycopg2
from psycopg2.extensions import connection as Connection

from clickstream_assets.settings import SQL_DIR

CONNECT_TIMEOUT = 10  # seconds
VANISHED_AFTER = 15_000  # milliseconds


def connect(url: str, application_name: str, *, autocommit: bool = False) -> Connection:
    """Open a connection in UTC that notices a vanished server within 15 s: by keepalives while it is idle, and by a
    limit on what stays unacknowledged while it is not (else TCP tries for a quarter of an hour).

    Raises:
        psycopg2.OperationalError: the server cannot be reached or refuses.
    """
    connection = psycopg2.connect(
        url,
        application_name=application_name,
        connect_timeout=CONNECT_TIMEOUT,
        keepalives=1,
        keepalives_idle=5,
        keepalives_interval=3,
        keepalives_count=3,
        tcp_user_timeout=VANISHED_AFTER,
        options="-c timezone=UTC",
    )
    connection.autocommit = autocommit
    return connection


@cache
def query(name: str) -> str:
    """The text of `sql/queries/<name>.sql`: one statement, parameters as `%(name)s`."""
    return (SQL_DIR / "queries" / f"{name}.sql").read_text(encoding="utf-8")
