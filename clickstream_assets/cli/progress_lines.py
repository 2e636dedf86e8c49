"""How far a long write has come, on standard error: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

import click

EVERY = 5.0  # seconds between two lines
EVERY_LIVE = 60.0  # seconds; a program that runs for months must not fill its log


@contextmanager
def progress_on(stream: TextIO, rows: int | None, *, live: bool = False) -> Iterator[Callable[[int], None]]:
    """A function that takes the rows written so far. `rows`: how many there will be, None if nobody knows."""
    if rows is not None and stream.isatty():
        with click.progressbar(length=rows, label="Writing", file=stream, show_pos=True) as bar:
            yield lambda written: bar.update(written - bar.pos)
        return

    began = last = time.monotonic()
    every = EVERY_LIVE if live else EVERY

    def line(written: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= every:
            last = now
            of_all = f" of {rows:,}" if rows is not None else ""
            per_second = written / (now - began)
            click.echo(f"{written:,}{of_all} rows written, {per_second:,.0f} a second", file=stream)

    yield line
