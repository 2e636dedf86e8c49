"""What a sensor says where the database cannot serve: one sentence in its history, no error with a traceback."""

from __future__ import annotations

from pathlib import Path

import psycopg2

from clickstream_assets.errors import DatabaseError
from clickstream_assets.fitness import LACKS_SCHEMA, unreachable
from clickstream_assets.outages.errors import is_outage
from clickstream_assets.outages.stream_waits import read_waits

ERRORS = (psycopg2.Error, DatabaseError)
KNOWN = (DatabaseError, psycopg2.OperationalError, *LACKS_SCHEMA)


def why_away(error: Exception, home: Path) -> str:
    """Why the database cannot serve, and what a stream of this home says that it waits for; without a full stop.

    Raises `error` itself where the database has nothing to do with it.
    """
    is_known = isinstance(error, KNOWN) or is_outage(error)
    if not is_known:
        raise error
    waits = read_waits(home)
    stream = f"the stream, {waits.who}, {waits.sentence}" if waits else "no stream says that it waits for it"
    return f"{unreachable(error).rstrip('.')}; {stream}"
