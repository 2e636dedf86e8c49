"""The passwords of the database roles, and URLs made with them.

Belongs here: where passwords come from, and how a role's URL is derived from the owner's. Does not belong here: giving
the roles these passwords (`schema`), and how a URL is read and changed (`database_url`).

A password comes from the settings, or is made once and kept in CLICKSTREAM_HOME/credentials.json, readable by its owner
alone. It is never logged, nor given in argv.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from clickstream_assets.database_url import split_password, with_database, with_identity, with_password
from clickstream_assets.errors import DatabaseError, SettingsError
from clickstream_assets.home import make_home
from clickstream_assets.postgres.configuration import HOST
from clickstream_assets.postgres.port import read_port
from clickstream_assets.postgres.server import OWNER
from clickstream_assets.settings import ROLE_PREFIX, Settings

__all__ = [
    "DAGSTER_DATABASE",
    "DATABASE",
    "ROLE_NAMES",
    "Role",
    "dagster_database",
    "given_password",
    "role_names",
    "role_password",
    "role_url",
    "split_password",
    "with_database",
    "with_identity",
    "with_password",
]

Role = Literal["owner", "writer", "reader", "dagster"]
DATABASE = "clickstream"
DAGSTER_DATABASE = "dagster"


def role_names(prefix: str) -> Mapping[Role, str]:
    """The names of the roles in the server, which has one of each name for all its databases."""
    return {
        "owner": OWNER,  # of the embedded server; an external one has the owner of its URL
        "writer": f"{prefix}_writer",
        "reader": f"{prefix}_reader",
        "dagster": f"{prefix}_dagster",
    }


ROLE_NAMES = role_names(ROLE_PREFIX)


def role_password(settings: Settings, role: Role) -> str:
    """The password of `role`, made and kept on first use.

    Raises:
        SettingsError: a file cannot be read or written.
    """
    # The embedded server's owner got its password when the server was made.
    if (role != "owner" or settings.database_url is not None) and (given := given_password(settings, role)):
        return given
    file = settings.home / "credentials.json"
    try:
        if not file.exists():
            _write_new(file, {name: secrets.token_urlsafe(24) for name in ROLE_NAMES})
        return str(json.loads(file.read_text())[role])
    except OSError as error:
        raise SettingsError(f"{file} cannot be used: {error.strerror or error}.") from None
    except (ValueError, KeyError, TypeError):
        raise SettingsError(f"{file} holds no password for '{role}': restore it from a backup.") from None


def given_password(settings: Settings, role: Role) -> str | None:
    """The password of `role` that the settings give. The owner's is for a URL that holds none."""
    given = {
        "owner": settings.database_password,
        "writer": settings.writer_password,
        "reader": settings.reader_password,
        "dagster": settings.dagster_password,
    }[role]
    return given.get_secret_value() if given is not None else None


def role_url(settings: Settings, role: Role) -> str:
    """The URL for `role`: the owner's host, port, database and parameters (sslmode, …), with its own identity.

    The role `dagster` has a database of its own. For the embedded server this is known once it was started.

    Raises:
        SettingsError: the embedded server was never started, or the credentials cannot be used.
    """
    if role == "dagster" and settings.dagster_database_url is not None:
        return settings.dagster_database_url.get_secret_value()
    if settings.database_url is not None:
        owner = settings.database_url.get_secret_value()
        if role == "owner" and (given := given_password(settings, "owner")):
            owner = with_password(owner, given)
    else:
        port = read_port(settings.home / "postgres")
        if port is None:
            raise DatabaseError(
                "there is no database yet: `clickstream up` or `clickstream setup-db` makes it."
            )
        password = quote(role_password(settings, "owner"), safe="")
        owner = f"postgresql://{OWNER}:{password}@{HOST}:{port}/{DATABASE}"
    if role == "owner":
        return owner
    url = with_identity(owner, role_names(settings.role_prefix)[role], role_password(settings, role))
    return with_database(url, dagster_database(settings)) if role == "dagster" else url


def dagster_database(settings: Settings) -> str:
    """The name of Dagster's database on the same server: each installation has its own, as it has its roles."""
    return DAGSTER_DATABASE if settings.role_prefix == ROLE_PREFIX else f"{settings.role_prefix}_dagster"


def _write_new(file: Path, content: Mapping[Role, str]) -> None:
    """Write `file` whole unless another process was quicker: then its content stands."""
    make_home(file.parent)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "w") as output:
            json.dump(content, output, indent=2)
            output.flush()
            os.fsync(descriptor)
        with contextlib.suppress(FileExistsError):
            os.link(temporary, file)
    finally:
        Path(temporary).unlink()
