"""The embedded PostgreSQL, shared by all programs of one home.

Each user holds a shared lock on one file. Whoever leaves and can get the lock for itself was the last, and
stops the server. A killed program loses its lock by itself; a server that nobody stopped is adopted by the next
user.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg2.extensions import connection as Connection

from clickstream_assets.errors import DatabaseError
from clickstream_assets.home import make_home
from clickstream_assets.postgres.connections import NO_DATABASE, Connections
from clickstream_assets.postgres.credentials import Credentials
from clickstream_assets.postgres.roles import Role
from clickstream_assets.postgres.schema import ensure_schema
from clickstream_assets.postgres.server import PostgresServer
from clickstream_assets.settings import Settings


def embedded_server(settings: Settings) -> PostgresServer:
    """The embedded server of this home, running or not."""
    return PostgresServer(settings.home / "postgres")


@contextmanager
def database_running(
    settings: Settings, application_name: str = "clickstream", *, make: bool = True
) -> Iterator[Connections]:
    """The database is there while this lasts: the embedded server, or the one of CLICKSTREAM_DATABASE_URL.

    A new embedded server gets its schema at once, so that every command works on a fresh home; without `make` there
    must have been one before. For an external database nothing is started nor changed.

    Raises:
        DatabaseError: the embedded server does not come up, or was never made.
    """
    connections = Connections(settings, application_name)
    if settings.database_url is not None:
        yield connections
        return
    server = embedded_server(settings)
    if not make and server.port is None:
        raise DatabaseError(NO_DATABASE)
    with server_held(server, connections.password("owner")):
        ensure_schema(connections)
        yield connections


@contextmanager
def session(settings: Settings, role: Role, application_name: str) -> Iterator[Connection]:
    """A session for a command that reads or repairs. An embedded server that is down is up while this lasts.

    Raises:
        DatabaseError: there is no database yet, or a session there does not take our settings.
        psycopg2.OperationalError: it does not answer.
    """
    with (
        database_running(settings, application_name, make=False) as connections,
        connections.open(role) as connection,
    ):
        yield connection


@contextmanager
def server_held(server: PostgresServer, password: str) -> Iterator[None]:
    """Start `server` unless it runs; on leaving stop it unless another process or thread holds it."""
    make_home(server.directory.parent)
    users_file = server.directory.with_name(f"{server.directory.name}.users")
    with users_file.open("a") as users:
        # One at a time starts or stops. The lock on the users alone would leave a gap between
        # "nobody else is there" and the stop.
        try:
            with _starting_or_stopping(server.directory):
                fcntl.flock(users, fcntl.LOCK_SH)
                server.start(password)
            yield
        finally:
            with _starting_or_stopping(server.directory):
                try:
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    pass  # others go on
                else:
                    server.stop()


def revive(settings: Settings) -> bool:
    """Start the embedded server again if it died under its users. Returns whether it had died."""
    server = embedded_server(settings)
    if settings.database_url is not None or server.is_running():
        return False
    with _starting_or_stopping(server.directory):
        server.start(Credentials(settings).password("owner"))
    return True


@contextmanager
def _starting_or_stopping(directory: Path) -> Iterator[None]:
    with directory.with_name(f"{directory.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
