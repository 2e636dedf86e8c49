"""`clickstream psql`."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import cast

import click

from clickstream_assets.database_url import split_password
from clickstream_assets.errors import DatabaseError, StartError
from clickstream_assets.postgres.programs import installed_directory
from clickstream_assets.postgres.roles import Role
from clickstream_assets.postgres.sharing import database_running
from clickstream_assets.settings import Settings


@click.command("psql", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--role", type=click.Choice(["reader", "writer", "owner"]), default="reader", show_default=True)
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
def command(role: str, args: tuple[str, ...]) -> None:
    """Open psql on the database; ARGS go to psql."""
    settings = Settings.from_env()
    program = find_psql()
    with database_running(settings) as connections:
        # argv is for all to see in the process list: the password goes by the environment.
        url, password = split_password(connections.url(cast(Role, role)))
        environment = dict(os.environ) | ({"PGPASSWORD": password} if password is not None else {})
        environment.setdefault("PGAPPNAME", "psql")
        # Ctrl-C is psql's: it ends a query there, not the session.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            code = subprocess.run([program, "-d", url, *args], env=environment, check=False).returncode
        finally:
            signal.signal(signal.SIGINT, before)
    sys.exit(code if code >= 0 else 128 - code)


def find_psql() -> str:
    """The psql that came with the embedded server, else the one in PATH.

    Raises:
        StartError: there is none.
    """
    try:
        bundled: Path | None = installed_directory() / "psql"
    except DatabaseError:
        bundled = None
    if bundled is not None and os.access(bundled, os.X_OK):
        return str(bundled)
    found = shutil.which("psql")
    if found is None:
        raise StartError("psql was not found: install PostgreSQL's client programs.")
    return found
