"""`clickstream status`. What it shows is put together in `status`."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import click

from clickstream_assets.monitoring.dagster_state import read_dagster_state
from clickstream_assets.monitoring.status import read_status, status_json
from clickstream_assets.monitoring.status_text import status_text
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.postgres.roles import role_names
from clickstream_assets.postgres.sharing import session
from clickstream_assets.settings import Settings


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable; the keys are stable.")
@click.option(
    "--source",
    type=click.Path(path_type=Path, file_okay=False),
    help="The directory that the stream reads, if not CLICKSTREAM_EVENTS_DIR.",
)
def command(as_json: bool, source: Path | None) -> None:
    """State of the stream, files waiting, totals, rates and latency. Exit 0 whenever it could tell."""
    settings = Settings.from_env()
    if source is not None:
        settings = settings.changed(events_dir=source.absolute(), sources=None)
    with session(settings, "reader", "clickstream-status") as connection:
        status = read_status(
            connection,
            settings.events_directory,
            writer=role_names(settings.role_prefix)["writer"],
            unterminated_seconds=settings.settle_unterminated_seconds,
            dagster=read_dagster_state(Connections(settings, "clickstream-status")),
        )
    if as_json:
        click.echo(json.dumps(status_json(status), indent=2, default=_plain))
    else:
        click.echo(status_text(status))


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")
