"""The passwords of the database roles, and URLs made with them.

Belongs here: where passwords come from, and how a role's URL is derived from the owner's. Does not belong here: giving
the roles these passwords (`schema`), and how a URL is read and changed (`database_url`).

A password comes from the environment, as CLICKSTREAM_<ROLE>_PASSWORD or as the file that
CLICKSTREAM_<ROLE>_PASSWORD_FILE names (the owner's is CLICKSTREAM_DATABASE_PASSWORD), or is made once and kept
in CLICKSTREAM_HOME/credentials.json, readable by its owner alone. It is never logged, nor given in argv.
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
    "ENVIRONMENT",
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
ENVIRONMENT: Mapping[Role, str] = {  # each also with _FILE
    "owner": "CLICKSTREAM_DATABASE_PASSWORD",  # for a CLICKSTREAM_DATABASE_URL that holds none
    "writer": "CLICKSTREAM_WRITER_PASSWORD",
    "reader": "CLICKSTREAM_READER_PASSWORD",
    "dagster": "CLICKSTREAM_DAGSTER_PASSWORD",
}


def role_password(settings: Settings, role: Role) -> str:
    """The password of `role`, made and kept on first use.

    Raises:
        SettingsError: a file cannot be read or written.
    """
    # The embedded server's owner got its password when the server was made.
    if (role != "owner" or settings.database_url is not None) and (given := given_password(role)):
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


def given_password(role: Role) -> str | None:
    """The password of `role` that the environment gives, itself or by naming a file.

    Raises:
        SettingsError: the file cannot be read, or is empty.
    """
    variable = ENVIRONMENT[role]
    if given := os.environ.get(variable, ""):
        return given
    file = os.environ.get(f"{variable}_FILE", "").strip()
    if not file:
        return None
    try:
        given = Path(file).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingsError(f"{variable}_FILE names {file}, which cannot be read: {reason}.") from None
    if not given:
        raise SettingsError(f"{variable}_FILE names {file}, which is empty: write the password into it.")
    return given


def role_url(settings: Settings, role: Role) -> str:
    """The URL for `role`: the owner's host, port, database and parameters (sslmode, …), with its own identity.

    The role `dagster` has a database of its own. For the embedded server this is known once it was started.

    Raises:
        SettingsError: the embedded server was never started, or the credentials cannot be used.
    """
    if role == "dagster" and settings.dagster_database_url is not None:
        return settings.dagster_database_url
    if settings.database_url is not None:
        owner = settings.database_url
        if role == "owner" and (given := given_password("owner")):
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
