"""The names of the roles in the schema, and roles that belong to another installation.

A server has one role of each name for all its databases. Two installations in two databases of it would take the same
roles, and the one that is set up last would change the passwords of the first. So a role that another database uses
keeps its password: ours must be the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import closing

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from clickstream_assets.database import connect
from clickstream_assets.database_url import with_database, with_identity
from clickstream_assets.errors import ClickstreamError, DatabaseError
from clickstream_assets.postgres.roles import ROLE_NAMES, Role
from clickstream_assets.sql_files import statement

# As the schema's files have them: bare where a name is meant, in quotes where its text is.
_NAMES = re.compile(r"(?P<quote>'?)\bclickstream_(?P<role>writer|reader)\b(?P=quote)")


def with_role_names(text: str, names: Mapping[Role, str], cursor: Cursor) -> str:
    """The SQL `text`, which names the roles as they are by default, with `names` in their places."""
    roles: dict[str, Role] = {name: role for role, name in ROLE_NAMES.items()}

    def name(match: re.Match[str]) -> str:
        found = names[roles[match[0].strip("'")]]
        return (sql.Literal(found) if match["quote"] else sql.Identifier(found)).as_string(cursor)

    return _NAMES.sub(name, text)


def is_shared(cursor: Cursor, owner_url: str, role: str, password: str) -> bool:
    """Whether another database of the server uses the role, which has our password.

    Raises:
        DatabaseError: it has another one.
    """
    used_by = databases_of_role(cursor, role)
    return is_in_use(owner_url, role, password, used_by, used_by)


def is_in_use(owner_url: str, role: str, password: str, used_by: list[str], tried: Iterable[str]) -> bool:
    """Whether `used_by` names databases, and the role gets into one of `tried` with our password.

    Raises:
        DatabaseError: it does not.
    """
    if not used_by:
        return False
    if any(_gets_in(with_identity(with_database(owner_url, name), role, password)) for name in tried):
        return True
    raise DatabaseError(
        f"the role {role} has another password and works for another database here, {used_by[0]}, which would "
        "lose it: set CLICKSTREAM_ROLE_PREFIX to a name for the roles of this installation, or give both the same "
        "passwords; `clickstream setup-db --take-roles` changes it all the same."
    )


def databases_of_role(cursor: Cursor, role: str) -> list[str]:
    """The other databases of the server in which the role has rights."""
    cursor.execute(statement("setup.databases_of_role"), {"role": role})
    return [name for (name,) in cursor.fetchall()]


def _gets_in(url: str) -> bool:
    try:
        with closing(connect(url, "clickstream-setup")):
            return True
    except (psycopg2.OperationalError, ClickstreamError):
        return False
