"""What the tests say to a database: the types of the fixtures in `conftest.py`, and one way to run a statement."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from clickstream_assets.database import connect
from clickstream_assets.database_url import with_database
from clickstream_assets.postgres.configuration import HOST
from clickstream_assets.postgres.new_server import OWNER
from clickstream_assets.postgres.schema import apply_schema, ensure_database
from clickstream_assets.postgres.server import PostgresServer
from clickstream_assets.up import watchdog

# No test pulls the plug, and a crash of the processes alone loses nothing without fsync.
TEST_CONFIGURATION = {"fsync": "off", "shared_buffers": "128MB", "max_wal_size": "1GB"}


@dataclass(frozen=True)
class Database:
    """A fresh database with the schema applied."""

    name: str
    owner_url: str
    writer_url: str
    reader_url: str


@dataclass(frozen=True)
class RunningServer:
    """The server of this test session. `url` is the superuser's, in the database `postgres`."""

    server: PostgresServer
    url: str
    password: str  # of every role


def run_sql(
    url: str, statement: str, parameters: Mapping[str, object] | None = None
) -> list[tuple[object, ...]]:
    """Run one statement in its own transaction and return its rows, if it has any."""
    connection = connect(url, "tests", autocommit=True)
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


@contextmanager
def ended_with_this_process(server: PostgresServer) -> Iterator[None]:
    """A session that is killed leaves no server behind."""
    group = (server.data / "postmaster.pid").read_text().splitlines()[0]
    command = [sys.executable, "-I", "-S", watchdog.__file__]
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdin is not None
        process.stdin.write(f"+{group}\n")
        process.stdin.flush()
        yield
        process.stdin.write(f"-{group}\n")


@contextmanager
def server_with_schema(directory: Path, password: str, database: str) -> Iterator[PostgresServer]:
    """A real embedded server on a free port, in a directory of its own, with the schema in a database of this name.

    `password` is that of every role.
    """
    server = PostgresServer(directory / "postgres", TEST_CONFIGURATION)
    with ExitStack() as stack:
        stack.callback(server.stop, immediate=True)
        server.start(password)
        stack.enter_context(ended_with_this_process(server))
        url = superuser_url(server, password)
        ensure_database(url, database)
        apply_schema(with_database(url, database), {"writer": password, "reader": password})
        yield server


def superuser_url(server: PostgresServer, password: str, database: str = "postgres") -> str:
    """Of a server that runs."""
    return f"postgresql://{OWNER}:{quote(password, safe='')}@{HOST}:{server.port}/{database}"
