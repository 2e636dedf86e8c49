"""The embedded PostgreSQL, shared by all programs of one home.

Belongs here: who uses the server and when it ends. Does not belong here: how it starts and stops
(`server`).

Each user holds a shared lock on one file. Whoever leaves and can get the lock for itself was the last, and
stops the server. A killed program loses its lock by itself; a server that nobody stopped is adopted by the next
user.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NewType

from clickstream_assets.home import make_home
from clickstream_assets.postgres.credentials import role_password, role_url
from clickstream_assets.postgres.schema import ensure_schema
from clickstream_assets.postgres.server import PostgresServer
from clickstream_assets.settings import Settings

OwnerUrl = NewType("OwnerUrl", str)


def embedded_server(settings: Settings) -> PostgresServer:
    """The embedded server of this home, running or not."""
    return PostgresServer(settings.home / "postgres")


@contextmanager
def database_running(settings: Settings) -> Iterator[OwnerUrl]:
    """The database is there while this lasts: the embedded server, or the one of CLICKSTREAM_DATABASE_URL.

    A new embedded server gets its schema at once, so that every command works on a fresh home. For an
    external database nothing is started nor changed.

    Raises:
        DatabaseError: the embedded server does not come up.
    """
    if settings.database_url is not None:
        yield OwnerUrl(role_url(settings, "owner"))
        return
    server = embedded_server(settings)
    with server_held(server, role_password(settings, "owner")):
        ensure_schema(settings)
        yield OwnerUrl(role_url(settings, "owner"))


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
        server.start(role_password(settings, "owner"))
    return True


@contextmanager
def _starting_or_stopping(directory: Path) -> Iterator[None]:
    with directory.with_name(f"{directory.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
