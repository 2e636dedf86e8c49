"""What a long piece of work says of itself. Guards against a bar in a log, and against noise for nothing."""

from __future__ import annotations

import io
import re
import threading

import pytest

from clickstream_assets.cli import long_work
from clickstream_assets.cli.long_work import told_on

LIMIT = 30.0  # seconds


class Terminal(io.StringIO):
    """Tells when something was written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = threading.Event()

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        count = super().write(text)
        self.written.set()
        return count


def test_short_work_is_silent() -> None:
    terminal = Terminal()
    with told_on(terminal, "verify") as now:
        now("batches")
    assert terminal.getvalue() == ""


def test_long_work_says_what_it_is_at_also_within_one_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_work, "SILENT", 0.01)
    terminal = Terminal()
    with told_on(terminal, "verify") as now:
        now("batches against the tables …")
        assert terminal.written.wait(LIMIT)
    assert re.match(r"verify: batches against the tables … \(\d+ s\)\n", terminal.getvalue())


def test_nothing_is_told_where_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_work, "SILENT", 0.0)
    stream = io.StringIO()
    with told_on(stream, "verify") as now:
        now("batches")
    assert stream.getvalue() == ""
    assert not [thread for thread in threading.enumerate() if thread.name == "progress"]
