"""`clickstream generate`. The work is in `clickstream_assets.data_generator`."""

from __future__ import annotations

import json
import signal
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from clickstream_assets.cli.progress_lines import progress_on
from clickstream_assets.errors import SettingsError
from clickstream_assets.generator.spec import GenerationSpec, LiveSpec
from clickstream_assets.generator.truth import Truth
from clickstream_assets.settings import Settings

# The heavy modules (Arrow, Faker) are imported once the options are known to be right.


class Share(click.ParamType):
    """A part of all rows: `0.05` or `5%`."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        text = str(value).strip()
        try:
            share = float(text[:-1]) / 100 if text.endswith("%") else float(text)
        except ValueError:
            share = -1.0
        if not 0 <= share <= 1:
            self.fail(f"'{text}' is no share of the rows: write 0.05 or 5%.", param, ctx)
        return share


class Moment(click.ParamType):
    """An ISO 8601 date or time; UTC unless it has a zone."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"'{value}' is no ISO 8601 time: write 2025-01-31 or 2025-01-31T12:00:00Z.", param, ctx)


@click.command("generate")
@click.option("--events", type=int, help="Rows in total, duplicate and malformed ones among them.")
@click.option("--files", type=int, help="Files to spread them over, evenly.  [default: 1]")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory for the files, made if missing.  [default: the watched directory]",
)
@click.option("--rate", type=float, help="Run a live shop: events per second, now, until --events or Ctrl-C.")
@click.option("--interval", type=float, help="With --rate: seconds from file to file.  [default: 1]")
@click.option(
    "--duplicates", type=Share(), default=0.0, help="Share of rows that repeat an earlier good one."
)
@click.option("--malformed", type=Share(), default=0.0, help="Share of rows that cannot be parsed.")
@click.option("--late", type=Share(), default=0.0, help="Share of rows hours to days older than their file.")
@click.option(
    "--seed", type=int, help="Same seed and options, same bytes (the history then ends on 2025-01-01)."
)
@click.option(
    "--ids",
    type=click.Choice(["random", "time-ordered"]),
    default="random",
    help="UUIDs of version 4, or 7.  [default: random]",
)
@click.option("--start", type=Moment(), help="Begin of the history (UTC).  [default: --days before its end]")
@click.option("--until", type=Moment(), help="End of the history (UTC).  [default: now]")
@click.option("--days", type=float, help="Length of the history.  [default: 7]")
@click.option(
    "--manifest",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the exact truth about the files here, as JSON.",
)
@click.option("--exit-with-parent", is_flag=True, help="With --rate: end when the parent process is gone.")
def command(out: Path | None, manifest: Path | None, rate: float | None, **options: Any) -> None:
    """Write event files of an imaginary shop.

    Without --rate, a finished history of --events rows; with --rate, a live shop. Shares are written 0.05 or
    5%, and hold exactly. Every file appears whole, under a name that was not used before.
    """
    given = {name: value for name, value in options.items() if value is not None}
    exit_with_parent = given.pop("exit_with_parent")
    if out is None:
        out = Settings.from_env().events_dir
    if manifest is not None and out.absolute() in manifest.absolute().parents:
        click.echo("clickstream: the manifest lies among the event files, where a stream finds it.", err=True)
    try:
        if manifest is not None and not manifest.parent.is_dir():
            raise SettingsError(f"--manifest: {manifest.parent} is no directory.")
        if rate is None:
            if exit_with_parent:
                raise SettingsError("--exit-with-parent belongs to a live shop: give --rate too.")
            truth = _history(given, out)
        else:
            truth = _live_shop(rate, given, out, exit_with_parent, keep_details=manifest is not None)
        if manifest is not None:
            _write_json(manifest, truth.as_dict())
    except SettingsError as error:
        raise click.UsageError(str(error)) from None
    click.echo(
        f"{truth.rows:,} rows in {truth.files:,} files in {out}: {truth.unique_events:,} unique events "
        f"({truth.late:,} late), {truth.duplicates:,} duplicates, {truth.malformed:,} malformed."
    )


def _history(given: dict[str, Any], out: Path) -> Truth:
    if "events" not in given:
        raise SettingsError("how many? Give --events, or --rate for a live shop.")
    if "interval" in given:
        raise SettingsError("--interval belongs to a live shop: give --rate too.")
    spec = GenerationSpec(**given)
    spec.check()
    from clickstream_assets.data_generator import generate_files

    # An unfinished file is removed on the way out.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    with progress_on(sys.stderr, spec.events) as progress:
        return generate_files(spec, out, progress)


def _live_shop(
    rate: float, given: dict[str, Any], out: Path, exit_with_parent: bool, *, keep_details: bool
) -> Truth:
    for name in ("start", "until", "days"):
        if name in given:
            raise SettingsError(f"--{name} belongs to a finished history, and --rate to a live shop.")
    files = given.pop("files", None)
    if files is not None:
        if "interval" in given or "events" not in given:
            raise SettingsError("with --rate, --files needs --events and no --interval.")
        if not 1 <= files <= given["events"] or rate <= 0:
            raise SettingsError(f"--files is {files}: give at least 1, and no more than --events.")
        given["interval"] = given["events"] / files / rate
    spec = LiveSpec(rate=rate, **given)
    spec.check()
    from clickstream_assets.generator.without_pandas import keep_pandas_away

    if exit_with_parent:  # then this process is the generator and nothing else
        keep_pandas_away()
    from clickstream_assets.data_generator import Clock, generate_live

    clock = Clock(exit_with_parent=exit_with_parent)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: clock.stop())
    with progress_on(sys.stderr, spec.events, live=True) as progress:
        return generate_live(spec, out, clock, progress, keep_details=keep_details)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    partial.rename(path)
