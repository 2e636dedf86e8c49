"""`clickstream rejects list|export|replay`. The work is in `rejects` and `replay`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from clickstream_assets.home import open_private
from clickstream_assets.ledger.sources_in_force import sources_in_force
from clickstream_assets.postgres.sharing import session
from clickstream_assets.rejects import reads as rejects
from clickstream_assets.rejects.reads import NewestReject, ReasonCount, RejectFilter
from clickstream_assets.rejects.records import ReplayFileError
from clickstream_assets.rejects.replay import Replay, replay_as_they_are, replay_repaired
from clickstream_assets.settings import Settings
from clickstream_assets.text import count, moment, printable

RAW_SHOWN = 100  # characters of a raw line in `list`
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class _Since(click.ParamType):
    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        if match := re.fullmatch(r"([0-9]{1,6})([smhd])", value):
            return datetime.now(UTC) - timedelta(**{_UNITS[match[2]]: int(match[1])})
        try:
            time = datetime.fromisoformat(value)
        except ValueError:
            self.fail(
                f"'{value}': give an age like 30m, 2h or 7d, or a time like 2026-01-31T12:00.", param, ctx
            )
        return time if time.tzinfo else time.replace(tzinfo=UTC)


def _filters(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--since", type=_Since(), help="Rejected since: 30m, 2h, 7d, or a time (UTC)."),
        click.option("--file", "file", help="Path of the file as `list` shows it, or its file_id."),
        click.option("--reason", help="The reason's code, for instance invalid_price."),
    ):
        command = option(command)
    return command


def _filter(reason: str | None, file: str | None, since: datetime | None) -> RejectFilter:
    is_id = file is not None and file.isascii() and file.isdigit()
    return RejectFilter(reason, int(file) if file and is_id else None, None if is_id else file, since)


@click.group("rejects")
def command() -> None:
    """The dead letters: rows that could not become events, and their way back in."""


@command.command("list")
@_filters
@click.option("--limit", type=click.IntRange(0), default=20, show_default=True, help="Rows to show.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def list_(reason: str | None, file: str | None, since: datetime | None, limit: int, as_json: bool) -> None:
    """Counts by reason, then the newest rows."""
    which = _filter(reason, file, since)
    with (
        session(Settings.from_env(), "reader", "clickstream-rejects") as connection,
    ):
        counts = rejects.count_by_reason(connection, which)
        rows = rejects.newest(connection, which, limit)
    if as_json:
        content = {
            "reasons": [asdict(line) for line in counts],
            "newest": [asdict(row) | {"raw": row.raw.decode("utf-8", "backslashreplace")} for row in rows],
        }
        click.echo(json.dumps(content, indent=2, default=datetime.isoformat))
    else:
        click.echo(_list_text(counts, rows))


def _list_text(counts: list[ReasonCount], rows: list[NewestReject]) -> str:
    if not counts:
        return "No rejected rows."
    lines = [f"{'reason':<28}{'rows':>12}{'replayed':>12}{'files':>10}  last"]
    lines += [
        f"{line.reason:<28}{count(line.rows):>12}{count(line.replayed):>12}{count(line.files):>10}"
        f"  {moment(line.last_rejected_at)}"
        for line in counts
    ]
    for row in rows:
        replayed = ", replayed" if row.replayed_at else ""
        detail = f": {printable(row.detail)}" if row.detail else ""
        raw = row.raw.rstrip(b"\r\n").decode("utf-8", "backslashreplace")
        shown = raw if len(raw) <= RAW_SHOWN else raw[:RAW_SHOWN] + "…"
        lines += [
            "",
            f"{printable(row.path)} line {row.line_no} (file {row.file_id}), {row.reason}{detail}{replayed}",
            f"    {printable(shown)}",
        ]
    return "\n".join(lines)


@command.command("export")
@_filters
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False, writable=True))
@click.option("--format", "format_", type=click.Choice(["csv", "jsonl"]), default="csv", show_default=True)
@click.option("--again", is_flag=True, help="Also rows that were replayed before.")
def export(
    reason: str | None, file: str | None, since: datetime | None, out: Path, format_: str, again: bool
) -> None:
    """Write rejected rows to a file: csv to be repaired and replayed, jsonl with the raw bytes to be kept.

    In the csv the column replay_of says which line a row is for; leave it as it is. reject_reason and
    reject_detail say what is wrong with it. Rows of files with another header go to a file of their own.
    """
    which = _filter(reason, file, since)
    with (
        session(Settings.from_env(), "reader", "clickstream-rejects") as connection,
    ):
        if format_ == "jsonl":
            with open_private(out) as output:
                rows = rejects.export_json_lines(connection, which, again, output)
            result = rejects.Export((out,), rows, 0)
        else:
            result = rejects.export_csv(connection, which, again, out)
    names = ", ".join(map(str, result.files)) or "no file"
    click.echo(f"{count(result.rows)} rejected rows written to {names}.")
    if result.cut:
        click.echo(
            f"{count(result.cut)} rows are too long to be repaired; --format jsonl has their beginning."
        )


@command.command("replay")
@click.argument("repaired", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=False)
@_filters
@click.option("--again", is_flag=True, help="Also rows that were replayed before.")
def replay(
    repaired: Path | None, reason: str | None, file: str | None, since: datetime | None, again: bool
) -> None:
    """Send rejected rows back: the repaired ones of an export, or by filter as they are, after a rule was changed.

    They become a new file in the events directory, which is ingested like any other. A row is sent back once,
    unless --again is given.
    """
    which = _filter(reason, file, since)
    if (repaired is None) == (which == RejectFilter()):
        raise click.UsageError(
            "give either a repaired file, or at least one of --reason, --file and --since."
        )
    settings = Settings.from_env()
    with (
        session(settings, "writer", "clickstream-replay") as connection,
    ):
        sources = sources_in_force(connection, settings).sources
        places = {source.name: source.directory for source in sources}
        try:
            if repaired is not None:
                result = replay_repaired(connection, places, repaired.read_bytes(), again)
            else:
                result = replay_as_they_are(connection, places, which, again)
        except ReplayFileError as error:
            raise ReplayFileError(f"{repaired} is not replayed: {error}.") from None
    click.echo(_replay_text(result))


def _replay_text(result: Replay) -> str:
    names = f" as {', '.join(path.name for path in result.files)}" if result.files else ""
    lines = [f"{count(result.rows)} rows sent back{names}."]
    if result.replayed_before:
        lines.append(f"{count(result.replayed_before)} rows were sent back before (--again repeats them).")
    if result.unchanged:
        lines.append(f"{count(result.unchanged)} rows are as they were exported: nothing to send back.")
    if result.not_as_they_are:
        lines.append(
            f"{count(result.not_as_they_are)} rows have an open quote or are cut: export and repair them first."
        )
    return "\n".join(lines)
