"""`clickstream files list|release|drop`: files that the rules of their source hold back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime

import click

from clickstream_assets.ledger import held_files
from clickstream_assets.ledger.held_files import HeldFile, WhichHeld
from clickstream_assets.postgres.sharing import session
from clickstream_assets.settings import Settings
from clickstream_assets.text import count, moment, printable, size


def _which(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.argument("file_ids", type=int, nargs=-1),
        click.option("--source", help="Of this source alone."),
        click.option("--reason", help="Held for this reason alone, for instance error_budget."),
    ):
        command = option(command)
    return command


def _chosen(file_ids: tuple[int, ...], source: str | None, reason: str | None) -> WhichHeld:
    return WhichHeld(list(file_ids) or None, source, reason)


@click.group("files")
def command() -> None:
    """Files that the rules of their source hold back: what they are, and what becomes of them."""


@command.command("list")
@_which
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def list_(file_ids: tuple[int, ...], source: str | None, reason: str | None, as_json: bool) -> None:
    """The files that are held back, each with its reason."""
    with session(Settings.from_env(), "reader", "clickstream-files") as connection:
        held = held_files.read_held(connection, _chosen(file_ids, source, reason))
    if as_json:
        click.echo(json.dumps([asdict(file) for file in held], indent=2, default=datetime.isoformat))
    else:
        click.echo("\n".join(map(_text, held)) or "No file is held back.")


def _text(file: HeldFile) -> str:
    released = ", released: the stream has yet to take it" if file.released_at else ""
    return (
        f"{file.file_id:>8}  {file.source}: {printable(file.path)} ({count(file.rows)} rows, {size(file.size_bytes)},"
        f" landed {moment(file.landed_at)}){released}\n"
        f"{'':>8}  {file.reason}: {printable(file.detail or '')}"
    )


@command.command("release")
@_which
def release(file_ids: tuple[int, ...], source: str | None, reason: str | None) -> None:
    """Have the stream take files as they are, by the source mapping of now; their rejects go to the dead letters."""
    with session(Settings.from_env(), "writer", "clickstream-files") as connection:
        done = held_files.release(connection, _chosen(file_ids, source, reason))
    click.echo(f"{count(len(done))} files released with {count(sum(file.rows for file in done))} rows.")


@command.command("drop")
@_which
def drop(file_ids: tuple[int, ...], source: str | None, reason: str | None) -> None:
    """Decide against files: nothing of them is ever stored. They stay on disk, where maintenance tidies them up."""
    with session(Settings.from_env(), "writer", "clickstream-files") as connection:
        done = held_files.drop(connection, _chosen(file_ids, source, reason))
    click.echo(f"{count(len(done))} files dropped with {count(sum(file.rows for file in done))} rows.")
