"""`clickstream setup-db`."""

from __future__ import annotations

import click

from clickstream_assets.embedded_postgres import database_running
from clickstream_assets.schema import setup_databases
from clickstream_assets.settings import Settings


@click.command("setup-db")
def command() -> None:
    """Create or upgrade the schema, the roles and Dagster's database; safe to repeat."""
    settings = Settings.from_env()
    with database_running(settings):
        setup_databases(settings)
    click.echo("The database is ready.")
