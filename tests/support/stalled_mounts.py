"""A directory whose file system does not answer, as that of a mount whose server is gone."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


class StalledMount:
    """From `stall` on, whoever looks at `directory` or below waits until `answer`."""

    def __init__(self, directory: Path, patch: pytest.MonkeyPatch) -> None:
        self._directory = os.fsencode(directory)
        self._answers = threading.Event()
        self._answers.set()
        for name in ("stat", "lstat", "scandir", "open"):
            patch.setattr(os, name, self._waiting(getattr(os, name)))

    def stall(self) -> None:
        self._answers.clear()

    def answer(self) -> None:
        self._answers.set()

    def _waiting(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def ask(path: Any, *more: Any, **named: Any) -> Any:
            if isinstance(path, str | bytes | os.PathLike):
                place = os.fsencode(path)
                if place == self._directory or place.startswith(self._directory + b"/"):
                    self._answers.wait()
            return call(path, *more, **named)

        return ask
