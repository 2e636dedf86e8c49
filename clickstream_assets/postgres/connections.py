"""Where the database is for each role, and sessions there.

Passwords and addresses are found once and kept, until a session cannot be opened: the embedded server may have another
port after a new start. A URL holds a password, so it is never configuration of Dagster (the UI shows that) nor logged.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager

import psycopg2
from psycopg2.extensions import connection as Connection

from clickstream_assets.database import connect
from clickstream_assets.database_url import url_of, with_database, with_identity, with_password
from clickstream_assets.errors import DatabaseError
from clickstream_assets.postgres.configuration import HOST
from clickstream_assets.postgres.credentials import Credentials, given_password
from clickstream_assets.postgres.port import read_port
from clickstream_assets.postgres.roles import DATABASE, Role, dagster_database, role_names
from clickstream_assets.settings import Settings

NO_DATABASE = "there is no database yet: `clickstream up` or `clickstream setup-db` makes it."


def ignore_libpq_variables() -> None:
    """Take PGSSLMODE, PGSERVICE, PGHOSTADDR and the like out of the environment, for this process and its children.

    They are meant for another server than the embedded one, which could not be reached by them.
    """
    for name in [name for name in os.environ if name.startswith("PG") and name != "PGAPPNAME"]:
        del os.environ[name]


class Connections:
    """Sessions by role, each with one name for all to see. `urls` are used in place of those of the settings."""

    def __init__(
        self,
        settings: Settings,
        application_name: str = "clickstream",
        urls: Mapping[Role, str] | None = None,
    ) -> None:
        self.settings = settings
        self._application_name = application_name
        self._given = dict(urls or {})
        self._found: dict[Role, str] = {}
        self._credentials = Credentials(settings)

    def named(self, application_name: str) -> Connections:
        """The same under another name."""
        return Connections(self.settings, application_name, self._given)

    def url(self, role: Role) -> str:
        """The URL of `role`: the owner's host, port, database and parameters (sslmode, …), with its own identity.

        The role `dagster` has a database of its own. For the embedded server this is known once it was started.

        Raises:
            DatabaseError: the embedded server was never started.
            SettingsError: the credentials cannot be used.
        """
        if role not in self._found:
            self._found[role] = self._given.get(role) or self._find_url(role)
        return self._found[role]

    def password(self, role: Role) -> str:
        """The password of `role`, made and kept on first use.

        Raises:
            SettingsError: the credentials cannot be used.
        """
        return self._credentials.password(role)

    @contextmanager
    def open(self, role: Role, *, autocommit: bool = True) -> Iterator[Connection]:
        """A session of `role`. With `autocommit`, each statement is a transaction.

        Raises:
            psycopg2.OperationalError: the server cannot be reached or refuses.
            DatabaseError: there is no database yet, or a session there does not take our settings.
        """
        url = self.url(role)
        try:
            connection = connect(url, self._application_name, autocommit=autocommit)
        except psycopg2.OperationalError:
            self._found.clear()
            self._credentials = Credentials(self.settings)
            raise
        with closing(connection):
            yield connection

    def _find_url(self, role: Role) -> str:
        settings = self.settings
        if role == "dagster" and settings.dagster_database_url is not None:
            return settings.dagster_database_url.get_secret_value()
        if role == "owner":
            return self._owner_url()
        url = with_identity(self._base_url(), role_names(settings.role_prefix)[role], self.password(role))
        return with_database(url, dagster_database(settings)) if role == "dagster" else url

    def _owner_url(self) -> str:
        if self.settings.database_url is None:
            return with_identity(self._base_url(), role_names("")["owner"], self.password("owner"))
        given = given_password(self.settings, "owner")
        return with_password(self._base_url(), given) if given else self._base_url()

    def _base_url(self) -> str:
        """Where the database is. Whose identity is in it does not matter."""
        if self.settings.database_url is not None:
            return self.settings.database_url.get_secret_value()
        port = read_port(self.settings.home / "postgres")
        if port is None:
            raise DatabaseError(NO_DATABASE)
        ignore_libpq_variables()
        return url_of({"host": HOST, "port": str(port), "dbname": DATABASE})
