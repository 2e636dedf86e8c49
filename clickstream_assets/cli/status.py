"""`clickstream status`. What it shows is put together in `status`."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import psycopg2

from clickstream_assets.errors import ClickstreamError
from clickstream_assets.exits import end_by
from clickstream_assets.fitness import LACKS_SCHEMA, unreachable
from clickstream_assets.ledger.sources_in_force import sources_in_force
from clickstream_assets.monitoring.dagster_state import read_dagster_state
from clickstream_assets.monitoring.status import read_status
from clickstream_assets.monitoring.status_away import read_status_away, status_away_json, status_away_text
from clickstream_assets.monitoring.status_json import status_json
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
    """State of the stream, files waiting, totals, rates and latency. Exit 0 whenever it could tell.

    Where the database cannot be reached, what is known without it, and exit 1.
    """
    settings = Settings.from_env()
    if source is not None:
        settings = settings.changed(events_dir=source.absolute(), sources=None)
    try:
        with session(settings, "reader", "clickstream-status") as connection:
            status = read_status(
                connection,
                settings.events_directory,
                writer=role_names(settings.role_prefix)["writer"],
                unterminated_seconds=settings.settle_unterminated_seconds,
                dagster=read_dagster_state(Connections(settings, "clickstream-status")),
                home=settings.home,
                in_force=sources_in_force(connection, settings) if settings.sources else None,
                archive=settings.archive_dir if settings.finished_files == "archive" else None,
            )
    except psycopg2.Error as error:
        if isinstance(error, LACKS_SCHEMA):  # it does answer
            raise
        away = read_status_away(unreachable(error), settings.home, settings.events_directory)
        _show(status_away_json(away) if as_json else status_away_text(away))
        sys.exit(end_by(ClickstreamError(away.error), "clickstream"))
    _show(status_json(status) if as_json else status_text(status))


def _show(content: dict[str, Any] | str) -> None:
    click.echo(content if isinstance(content, str) else json.dumps(content, indent=2, default=_plain))


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")
