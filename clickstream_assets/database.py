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
VANISHED_AFTER = 15  # seconds until a peer that does not answer counts as gone
# Of the server's end too: a client cut off would hold its locks for as long as the system likes, by default hours.
SERVER_SETTINGS = (
    "-c timezone=UTC -c tcp_keepalives_idle=5 -c tcp_keepalives_interval=3 -c tcp_keepalives_count=3"
)


def connect(url: str, application_name: str, *, autocommit: bool = False) -> Connection:
    """Open a connection in UTC whose two ends notice within 15 s that the other one has vanished.

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
        # No keepalives are sent while sent bytes are unacknowledged, and these are sent again for 15 min.
        tcp_user_timeout=VANISHED_AFTER * 1000,
        options=SERVER_SETTINGS,
    )
    connection.autocommit = autocommit
    return connection


@cache
def query(name: str) -> str:
    """The text of `sql/queries/<name>.sql`: one statement, parameters as `%(name)s`."""
    return (SQL_DIR / "queries" / f"{name}.sql").read_text(encoding="utf-8")
