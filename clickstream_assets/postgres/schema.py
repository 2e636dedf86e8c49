"""The schema and the roles, applied.

It makes the databases, applies `sql/postgres_setup.sql` and gives the roles their passwords. That is safe to repeat,
and to run twice at once. The passwords come from `credentials`.

A new database gets `postgres_setup.sql` alone, which is the whole schema of this version. One that is there gets
the migrations that it lacks first (`sql/migrations/NNNN_what.sql`, each safe to repeat): what a CREATE IF NOT
EXISTS cannot do, such as a new column of an old table. `schema_versions` holds their numbers; 1 is the first release.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager

import psycopg2
import psycopg2.errors
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from psycopg2.extensions import encrypt_password

from clickstream_assets.database import connect
from clickstream_assets.database_url import with_database
from clickstream_assets.errors import DatabaseError
from clickstream_assets.fitness import check_server, check_writable
from clickstream_assets.paths import SQL_DIR
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.postgres.roles import (
    DAGSTER_DATABASE,
    DATABASE,
    ROLE_NAMES,
    Role,
    dagster_database,
    role_names,
)
from clickstream_assets.postgres.shared_roles import databases_of_role, is_in_use, is_shared, with_role_names
from clickstream_assets.sql_files import migrations, newest_version, statement
from clickstream_assets.text import first_line

APPLICATION = "clickstream-setup"
PASSWORD_ROLES: tuple[Role, ...] = ("writer", "reader")
LOCK_LIMIT = "30s"  # behind a running stream; a longer wait would hold up everyone behind us


def setup_databases(connections: Connections, *, take_roles: bool = False) -> None:
    """Bring the database (and Dagster's, where it is on the same server) to what this version needs.

    The server must run. With `take_roles`, roles get our passwords though another database uses them.

    Raises:
        DatabaseError: the server is too old, the owner may not do this, or a lock cannot be had.
    """
    settings, owner_url = connections.settings, connections.url("owner")
    try:
        if settings.database_url is None:
            ensure_database(with_database(owner_url, "postgres"), DATABASE)
        passwords = {role: connections.password(role) for role in PASSWORD_ROLES}
        names = role_names(settings.role_prefix)
        apply_schema(owner_url, passwords, names, take_roles=take_roles)
        if settings.database_url is None:
            _close_to_others(owner_url)
        if settings.dagster_database_url is None:
            setup_dagster_database(
                owner_url,
                connections.password("dagster"),
                names,
                dagster_database(settings),
                take_roles=take_roles,
            )
    except psycopg2.errors.InsufficientPrivilege as error:
        raise DatabaseError(
            f"the owner of the database may not set it up ({first_line(error)}): give the role CREATEROLE and "
            "CREATEDB, or make the roles beforehand and set CLICKSTREAM_DAGSTER_DATABASE_URL."
        ) from None
    except psycopg2.errors.LockNotAvailable:
        raise DatabaseError(
            f"the schema is in use by a long transaction (waited {LOCK_LIMIT}): end that, then run setup-db."
        ) from None


def ensure_schema(connections: Connections) -> None:
    """`setup_databases` where the database has no schema yet, or an older one; a present one is left as it is."""
    owner_url = connections.url("owner")
    if connections.settings.database_url is None:
        ensure_database(with_database(owner_url, "postgres"), DATABASE)
    with _transaction(owner_url) as connection, connection.cursor() as cursor:
        version = installed_version(cursor)
    if version is None or version < newest_version():
        setup_databases(connections)


def installed_version(cursor: Cursor) -> int | None:
    """The schema version of the database; None where it has no schema yet."""
    cursor.execute(statement("setup.has_schema"))
    (present,) = cursor.fetchone() or (False,)
    if not present:
        return None
    cursor.execute(statement("setup.installed_version"))
    (version,) = cursor.fetchone() or (None,)
    return version or 1


def apply_schema(
    owner_url: str,
    passwords: Mapping[Role, str],
    names: Mapping[Role, str] = ROLE_NAMES,
    *,
    take_roles: bool = False,
) -> None:
    """Apply the migrations that the database lacks, `sql/postgres_setup.sql` and the passwords of `writer` and
    `reader`, in one transaction.

    Raises:
        DatabaseError: the schema is of a newer version than this program.
        DatabaseError: no events can be kept in this database.
    """
    with _transaction(owner_url) as connection, connection.cursor() as cursor:
        check_server(connection)
        check_writable(connection)
        cursor.execute(statement("session.limit_lock_wait"), {"limit": LOCK_LIMIT})
        _wait_for_others(cursor)
        installed, newest = installed_version(cursor), newest_version()
        if installed is not None and installed > newest:
            raise DatabaseError(
                f"the database has schema version {installed}, and this program knows {newest}: update the program."
            )
        for version, file in migrations().items():
            if installed is not None and version > installed:
                cursor.execute(with_role_names(file.read_text(encoding="utf-8"), names, cursor))
        setup = (SQL_DIR / "postgres_setup.sql").read_text(encoding="utf-8")
        cursor.execute(with_role_names(setup, names, cursor))
        cursor.execute(statement("setup.record_versions"), {"newest": newest})
        _let_in(connection, names)
        for role, password in passwords.items():
            if take_roles or not is_shared(cursor, owner_url, names[role], password):
                _set_password(connection, names[role], password)


def setup_dagster_database(
    owner_url: str,
    password: str,
    names: Mapping[Role, str] = ROLE_NAMES,
    database: str = DAGSTER_DATABASE,
    *,
    take_roles: bool = False,
) -> None:
    """Make Dagster's database, owned by a role of its own that owns nothing else."""
    role, shared = names["dagster"], False
    with _transaction(owner_url) as connection, connection.cursor() as cursor:
        _wait_for_others(cursor)
        cursor.execute(statement("setup.has_role"), {"role": role})
        if cursor.fetchone() is None:
            cursor.execute(_template(statement("setup.create_role"), role=role))
            cursor.execute(_template(statement("setup.join_role"), role=role))
        elif not take_roles and _exists(cursor, database):
            # Whoever shares our writer's role shares this one.
            shared = is_in_use(
                owner_url, role, password, databases_of_role(cursor, names["writer"]), [database]
            )
        if not shared:
            _set_password(connection, role, password)
    ensure_database(owner_url, database, owner=role)


def ensure_database(url: str, name: str, owner: str | None = None) -> None:
    """Create the database `name` unless it exists; nobody but its owner may connect to it unasked."""
    create = _template(statement("setup.create_database"), database=name)
    if owner is not None:
        create = _template(statement("setup.create_database_of"), database=name, owner=owner)
    with closing(connect(url, APPLICATION, autocommit=True)) as connection, connection.cursor() as cursor:
        if _exists(cursor, name):
            return
        try:
            cursor.execute(create)
        except (psycopg2.errors.DuplicateDatabase, psycopg2.errors.UniqueViolation):
            return  # another setup was quicker
        if owner is not None:
            cursor.execute(_template(statement("setup.close_database"), database=name))


def _exists(cursor: Cursor, database: str) -> bool:
    cursor.execute(statement("setup.has_database"), {"database": database})
    return cursor.fetchone() is not None


def _wait_for_others(cursor: Cursor) -> None:
    """One setup at a time: IF NOT EXISTS does not help two that look at the same moment.

    A reader may take every advisory lock, but not this one of a table; without a schema there is no table yet, nor a
    reader.
    """
    if installed_version(cursor) is None:
        cursor.execute(statement("setup.lock_first"))
        if installed_version(cursor) is None:
            return
    cursor.execute(statement("setup.lock"))


def _let_in(connection: Connection, names_of: Mapping[Role, str]) -> None:
    with connection.cursor() as cursor:
        names = {"database": connection.info.dbname} | {role: names_of[role] for role in PASSWORD_ROLES}
        cursor.execute(_template(statement("setup.let_in"), **names))


def _close_to_others(owner_url: str) -> None:
    """Not done to someone's own database: other programs may live there."""
    with _transaction(owner_url) as connection, connection.cursor() as cursor:
        _wait_for_others(cursor)
        cursor.execute(_template(statement("setup.close_database"), database=DATABASE))


def _set_password(connection: Connection, role: str, password: str) -> None:
    """Set a password by its verifier: the clear text does not leave this process, not into any server log."""
    verifier = encrypt_password(password, role, connection, "scram-sha-256")
    with connection.cursor() as cursor:
        cursor.execute(_template(statement("setup.set_password"), role=role), {"password": verifier})


def _template(text: str, **identifiers: str) -> sql.Composed:
    return sql.SQL(text).format(**{name: sql.Identifier(value) for name, value in identifiers.items()})


@contextmanager
def _transaction(url: str) -> Iterator[Connection]:
    """A session that commits at the end, or rolls back."""
    with closing(connect(url, APPLICATION)) as connection, connection:
        yield connection
