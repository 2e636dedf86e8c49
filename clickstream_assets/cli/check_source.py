"""`clickstream check-source`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click

from clickstream_assets.java import check_java
from clickstream_assets.paths import CHECK_SOURCE_PROGRAM
from clickstream_assets.supervision.program import NOT_FOR_THE_STREAM

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("check-source")
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path), required=False)
@click.option(
    "--source", help="Read as this source of CLICKSTREAM_SOURCES is read; its directory unless given."
)
@click.option("--files", type=click.IntRange(min=1), default=20, show_default=True, help="Look at so many.")
@click.option("--rows", type=click.IntRange(min=1), default=1000, show_default=True, help="Of each file.")
@click.option("--show", is_flag=True, help="Ten rows per header, before and after, side by side.")
@click.option("--html", type=_FILE, metavar="FILE", help="Write the same as a page of HTML.")
@click.option("--propose", type=_FILE, metavar="FILE", help="Write a first source mapping, and look with it.")
def command(
    directory: Path | None,
    source: str | None,
    files: int,
    rows: int,
    show: bool,
    html: Path | None,
    propose: Path | None,
) -> None:
    """Say what would become of the event files in DIRECTORY; nothing is stored.

    Which columns are ours, which rows would be rejected, and all the reasons why. Exit code 1 if some would be.
    """
    if directory is None and source is None:
        raise click.UsageError("give a directory, or a source with --source.")
    check_java()
    environment = {name: value for name, value in os.environ.items() if name not in NOT_FOR_THE_STREAM}
    program = [sys.executable, str(CHECK_SOURCE_PROGRAM), *([str(directory.absolute())] if directory else [])]
    program += ["--source", source] if source else []
    options = ["--files", str(files), "--rows", str(rows), *(["--show"] if show else [])]
    options += [] if html is None else ["--html", str(html.absolute())]
    options += [] if propose is None else ["--propose", str(propose.absolute())]
    done = subprocess.run([*program, *options], env=environment, check=False)
    sys.exit(done.returncode)
