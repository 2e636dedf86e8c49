"""Where the tables are, in the words of data catalogues: without a user and a password."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg2.extensions import parse_dsn

from clickstream_assets.postgres.configuration import HOST
from clickstream_assets.postgres.port import read_port
from clickstream_assets.postgres.roles import DATABASE
from clickstream_assets.settings import Settings

SCHEMA = "public"


@dataclass(frozen=True)
class DatabaseAddress:
    """A database. `port` is None for an embedded server that was never started."""

    host: str
    port: str | None
    database: str

    @property
    def namespace(self) -> str:
        """As OpenLineage names a server: postgres://host:port."""
        return f"postgres://{self.host}:{self.port}"

    def table_name(self, table: str) -> str:
        """database.schema.table."""
        return f"{self.database}.{SCHEMA}.{table}"


def database_address(settings: Settings) -> DatabaseAddress:
    """The database that the settings name. Of several hosts it is the first one."""
    if settings.database_url is None:
        chosen = read_port(settings.home / "postgres")
        return DatabaseAddress(HOST, None if chosen is None else str(chosen), DATABASE)
    parts = parse_dsn(settings.database_url.get_secret_value())
    host = (parts.get("host") or parts.get("hostaddr") or "localhost").split(",")[0]
    port = (parts.get("port") or "5432").split(",")[0]
    return DatabaseAddress(host, port or "5432", parts.get("dbname") or parts.get("user") or DATABASE)
