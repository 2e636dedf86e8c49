"""The resources of Dagster's side: the database by role, and the settings.

Belongs here: what assets, checks, sensors and ops get injected, and tests replace. Does not belong here: queries.
URLs hold passwords, so they are neither resource configuration (the UI shows it) nor ever logged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

from psycopg2.extensions import connection as Connection

from clickstream_assets.database import connect
from clickstream_assets.postgres.credentials import Role, role_url
from clickstream_assets.settings import Settings


@dataclass(frozen=True)
class Database:
    """Connections by role. `urls` overrides what the settings say, for tests."""

    settings: Settings
    urls: Mapping[Role, str] = field(default_factory=dict, repr=False)

    def url(self, role: Role) -> str:
        """The URL of `role`, with its password.

        Raises:
            SettingsError: there is no database yet.
        """
        return self.urls.get(role) or role_url(self.settings, role)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that can't change anything, one statement a transaction."""
        with closing(connect(self.url("reader"), "clickstream-dagster", autocommit=True)) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection of the writer, one statement a transaction."""
        with closing(connect(self.url("writer"), "clickstream-dagster", autocommit=True)) as connection:
            yield connection
