"""`clickstream setup-db`."""

from __future__ import annotations

import click

from clickstream_assets.errors import DatabaseError
from clickstream_assets.postgres.schema import setup_databases
from clickstream_assets.postgres.sharing import database_running
from clickstream_assets.settings import Settings
from clickstream_assets.up.dagster import migrate_storage


@click.command("setup-db")
@click.option("--dagster", "with_dagster", is_flag=True, help="Also make or upgrade Dagster's own tables.")
@click.option(
    "--take-roles", is_flag=True, help="Set the roles' passwords though another database uses these roles."
)
def command(with_dagster: bool, take_roles: bool) -> None:
    """Create or upgrade the schema, the roles and Dagster's database; safe to repeat."""
    settings = Settings.from_env()
    with database_running(settings) as connections:
        setup_databases(connections, take_roles=take_roles)
        if with_dagster and (code := migrate_storage(connections)) != 0:
            raise DatabaseError(f"Dagster's tables cannot be made: its program ended with code {code}.")
    click.echo("The database is ready.")
