"""`clickstream env`."""

from __future__ import annotations

import shlex

import click

from clickstream_assets.postgres.connections import Connections
from clickstream_assets.settings import Settings
from clickstream_assets.up.dagster import dagster_environment, prepare_home


@click.command("env")
def command() -> None:
    """Print the environment of Dagster's programs as shell exports; it holds a password.

    With the database up (`clickstream postgres`): eval "$(clickstream env)"; dagster dev
    """
    settings = Settings.from_env()
    prepare_home(settings)
    for name, value in dagster_environment(Connections(settings)).items():
        click.echo(f"export {name}={shlex.quote(value)}")
