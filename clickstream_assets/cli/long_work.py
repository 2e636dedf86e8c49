"""What a long piece of work is at, on standard error of a terminal. Short work stays silent."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

import click

SILENT = 3.0  # seconds from the start
EVERY = 5.0  # seconds between two lines


@contextmanager
def told_on(stream: TextIO, name: str) -> Iterator[Callable[[str], None]]:
    """A function that takes what is being done now. It is told by a thread: one query may last for minutes."""
    if not stream.isatty():
        yield lambda _: None
        return
    done = threading.Event()
    latest = ""

    def now(text: str) -> None:
        nonlocal latest
        latest = text

    def tell() -> None:
        began = time.monotonic()
        wait = SILENT
        while not done.wait(wait):
            if latest:
                click.echo(f"{name}: {latest} ({time.monotonic() - began:,.0f} s)", file=stream)
            wait = EVERY

    thread = threading.Thread(target=tell, name="progress", daemon=True)
    thread.start()
    try:
        yield now
    finally:
        done.set()
        thread.join()
