"""Servers that are not ours, as Debian packages them: PostgreSQL (15 in Debian 12), a standby of it, and PgBouncer.

Where they are not installed the tests skip; CI installs them. Both refuse to run as root: the account `postgres`, which
the package makes, runs them then.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest
from databases import Database

from clickstream_assets.postgres.configuration import HOST

_INSTALLED = sorted(Path("/usr/lib/postgresql").glob("[1-9][0-9]/bin"))
PROGRAMS = _INSTALLED[-1] if _INSTALLED else Path("/nowhere")
POOLER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
START_LIMIT = 20  # seconds
ACCOUNT = "postgres" if os.geteuid() == 0 else None

needs_debian_postgres = pytest.mark.skipif(
    not (PROGRAMS / "postgres").exists(), reason="Debian's PostgreSQL is not installed"
)
needs_pooler = pytest.mark.skipif(POOLER is None, reason="PgBouncer is not installed")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def run(program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs to its end; its output is shown where the test fails."""
    subprocess.run(
        [PROGRAMS / program, *arguments], check=True, cwd="/", user=ACCOUNT, stdin=subprocess.DEVNULL
    )


@dataclass(frozen=True)
class PostgresHere:
    """A server of Debian's PostgreSQL, which a test may stop and start."""

    url: str  # of the superuser, who needs no password
    data: Path

    def start(self) -> None:
        run("pg_ctl", "start", "-D", str(self.data), "-l", str(self.data / "start.log"), "-w")

    def stop(self, mode: str = "fast") -> None:
        run("pg_ctl", "stop", "-D", str(self.data), "-m", mode, "-w")

    def restart(self, mode: str = "fast") -> None:
        run("pg_ctl", "restart", "-D", str(self.data), "-l", str(self.data / "start.log"), "-m", mode, "-w")

    def promote(self) -> None:
        """A standby no longer follows, and may be written."""
        run("pg_ctl", "promote", "-D", str(self.data), "-w")


@contextmanager
def debian_postgres(
    directory: Path, *, initdb: tuple[str, ...] = (), copy_of: str | None = None
) -> Iterator[str]:
    """A server of its own, or a standby of the one at `copy_of`; the superuser's URL without a password."""
    with debian_postgres_server(directory, initdb=initdb, copy_of=copy_of) as server:
        yield server.url


@contextmanager
def debian_postgres_server(
    directory: Path, *, initdb: tuple[str, ...] = (), copy_of: str | None = None
) -> Iterator[PostgresHere]:
    """The same, for a test that stops it."""
    port = free_port()
    data = directory / f"data-{port}"
    if copy_of is None:
        run("initdb", "-D", str(data), "--auth=trust", "--username=boss", *initdb)
    else:
        run("pg_basebackup", "-D", str(data), "-R", "-X", "stream", "-c", "fast", "-d", copy_of)
    with (data / "postgresql.conf").open("a") as file:
        file.write(f"listen_addresses = '{HOST}'\nport = {port}\nunix_socket_directories = ''\nfsync = off\n")
    server = PostgresHere(f"postgresql://boss@{HOST}:{port}/postgres", data)
    server.start()
    try:
        yield server
    finally:
        if (data / "postmaster.pid").exists():
            server.stop("immediate")


@dataclass
class Pooler:
    """PgBouncer before the server at `server_port`. It drops the options of a start, as its manual advises for JDBC."""

    directory: Path
    server_port: int
    users: Mapping[str, str]
    mode: str = "session"
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    def start(self, url: str) -> None:
        """Start it, until it answers whoever connects to `url`."""
        assert POOLER is not None
        self._configure()
        settings = str(self.directory / "pgbouncer.ini")
        self.process = subprocess.Popen([POOLER, settings], user=ACCOUNT, cwd="/", stderr=subprocess.DEVNULL)
        _wait_for(url, self.process)

    def stop(self) -> None:
        """End it, and with it the sessions through it."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait()

    def _configure(self) -> None:
        passwords, log = self.directory / "users.txt", self.directory / "pgbouncer.log"
        passwords.write_text("".join(f'"{name}" "{password}"\n' for name, password in self.users.items()))
        settings = self.directory / "pgbouncer.ini"
        settings.write_text(
            f"[databases]\n* = host={HOST} port={self.server_port}\n[pgbouncer]\nlisten_addr = {HOST}\n"
            f"listen_port = {self.port}\nauth_type = scram-sha-256\nauth_file = {passwords}\n"
            f"pool_mode = {self.mode}\nunix_socket_dir =\n"
            f"ignore_startup_parameters = options,extra_float_digits\nlogfile = {log}\n"
        )
        log.touch()
        for file in (passwords, settings, log):
            file.chmod(0o666)


@contextmanager
def pgbouncer(
    directory: Path, database: Database, users: Mapping[str, str], *, mode: str
) -> Iterator[Database]:
    """A pooler before `database`."""
    port, server = free_port(), urlsplit(database.owner_url)
    assert server.port is not None
    old, new = f"{HOST}:{server.port}/", f"{HOST}:{port}/"
    pooled = Database(
        database.name,
        *(url.replace(old, new) for url in (database.owner_url, database.writer_url, database.reader_url)),
    )
    pooler = Pooler(directory, server.port, users, mode, port)
    try:
        pooler.start(pooled.writer_url)
        yield pooled
    finally:
        pooler.stop()


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_LIMIT
    while not _answers(url):
        assert process.poll() is None, "the pooler has ended"
        assert time.monotonic() < until, "the pooler does not answer"
        time.sleep(0.05)


def _answers(url: str) -> bool:
    try:
        psycopg2.connect(url).close()
    except psycopg2.OperationalError:
        return False
    return True
