"""`clickstream database-url`."""

from __future__ import annotations

from typing import cast

import click

from clickstream_assets.postgres.connections import Connections
from clickstream_assets.postgres.roles import Role
from clickstream_assets.postgres.sharing import database_running, embedded_server
from clickstream_assets.settings import Settings


@click.command("database-url")
@click.option("--role", type=click.Choice(["reader", "writer", "owner"]), default="reader", show_default=True)
def command(role: str) -> None:
    """Print the URL of the database, with the password, for any SQL tool."""
    settings = Settings.from_env()
    server = embedded_server(settings)
    if settings.database_url is None and server.port is None:
        with database_running(settings):
            pass  # makes it, and so its port
    click.echo(Connections(settings).url(cast(Role, role)))
    if settings.database_url is None and not server.is_running():
        click.echo(
            "The embedded server is not running now: `clickstream up` or `clickstream postgres` starts it.",
            err=True,
        )
