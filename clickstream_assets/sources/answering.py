"""Asking a file system that may not answer: a mount whose server is gone keeps whoever asks waiting, perhaps for ever.

A thread asks, and is left behind where there is no answer. The next to ask the same waits for that one.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar, cast

ANSWER_SECONDS = 5.0

Answer = TypeVar("Answer")


class _Question:
    def __init__(self, ask: Callable[[], Any]) -> None:
        self.answer: Any = None
        self.error: BaseException | None = None
        self._ask = ask
        self.thread = threading.Thread(target=self._run, name="file-system", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.answer = self._ask()
        except BaseException as error:  # noqa: BLE001 - raised where it was asked
            self.error = error


_hanging: dict[object, _Question] = {}


def asked(about: object, ask: Callable[[], Answer], seconds: float = ANSWER_SECONDS) -> Answer | None:
    """What `ask` returns, or None where it does not within `seconds`. `about` tells questions apart.

    Raises what `ask` raises.
    """
    before = _hanging.get(about)
    if before is not None:
        if before.thread.is_alive():
            return None
        _hanging.pop(about, None)
    question = _Question(ask)
    question.thread.join(seconds)
    if question.thread.is_alive():
        _hanging[about] = question
        return None
    if question.error is not None:
        raise question.error
    return cast(Answer, question.answer)


def answers(directory: Path) -> bool:
    """Whether its file system says something about a directory, be it that it is not there."""

    def ask() -> bool:
        # Its attributes alone may be in the kernel's memory.
        with suppress(OSError), os.scandir(directory) as entries:
            next(entries, None)
        return True

    return bool(asked(("stat", directory), ask))
