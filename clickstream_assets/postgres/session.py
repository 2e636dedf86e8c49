"""A database session for a command that reads or repairs.

Belongs here: bringing the embedded server up for as long as a command needs it, and the sentences for a database
that is not set up. Does not belong here: URLs and passwords (`credentials`), and the server (`sharing`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg2 import errors
from psycopg2.extensions import connection as Connection

from clickstream_assets.database import connect
from clickstream_assets.errors import DatabaseError
from clickstream_assets.postgres.credentials import Role, role_url
from clickstream_assets.postgres.sharing import database_running
from clickstream_assets.settings import Settings
from clickstream_assets.text import first_line


@contextmanager
def role_connection(settings: Settings, role: Role, application_name: str) -> Iterator[Connection]:
    """An autocommit session of `role`. An embedded server that is down is up while this lasts.

    Raises:
        DatabaseError: there is no database yet, or it has no schema, or an older one.
        psycopg2.OperationalError: it does not answer.
    """
    role_url(settings, role)  # says that there is no database, before one is made
    with database_running(settings):
        connection = connect(role_url(settings, role), application_name, autocommit=True)
        try:
            yield connection
        except (errors.UndefinedTable, errors.UndefinedColumn) as error:
            raise DatabaseError(
                f"the database lacks a part of the schema ({first_line(error)}): run `clickstream setup-db`."
            ) from error
        finally:
            connection.close()
