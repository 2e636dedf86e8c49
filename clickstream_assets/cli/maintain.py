"""`clickstream maintain`. The steps are in `maintenance`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import click

from clickstream_assets.maintenance.steps import APPLICATION, STEPS, Maintenance, StepResult, run_step
from clickstream_assets.postgres.sharing import database_running
from clickstream_assets.settings import Settings


@click.command("maintain")
@click.option(
    "--only", multiple=True, type=click.Choice(list(STEPS)), help="This step alone; may be repeated."
)
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def command(only: tuple[str, ...], as_json: bool) -> None:
    """Do what Dagster's job `maintenance` does every night: retention, finished files, old logs, and more.

    What is not asked for in the settings is left alone. Exit 1 where a step could not do all of its work.
    """
    settings = Settings.from_env()
    results: dict[str, StepResult] = {}
    with database_running(settings, APPLICATION, make=False) as connections:
        maintenance = Maintenance(connections)
        for name in STEPS:
            if not only or name in only:
                results[name] = run_step(maintenance, name)
                if not as_json:
                    click.echo(f"{name:<18}{results[name].sentence}")
    if as_json:
        click.echo(json.dumps({name: asdict(result) for name, result in results.items()}, indent=2))
    sys.exit(1 if any(result.problem for result in results.values()) else 0)
