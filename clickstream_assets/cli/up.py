"""`clickstream up`. What it runs is in `stack`."""

from __future__ import annotations

import contextlib

import click

from clickstream_assets.settings import Settings
from clickstream_assets.up.stack import run_stack


@click.command("up")
@click.option("--no-generator", is_flag=True, help="Files come from another producer.")
def command(no_generator: bool) -> None:
    """Run everything: database, generator, Dagster with its sensors on. Ctrl-C stops all of it."""
    settings = Settings.from_env()
    with_generator = not no_generator and settings.generator_rate > 0
    run_stack(settings, with_generator=with_generator, announce=_say)


def _say(text: str) -> None:
    with contextlib.suppress(OSError):  # the terminal is gone; the stack must still end well
        click.echo(text)
