"""One way to load event files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.place import Place


@dataclass(frozen=True)
class Variant:
    """`load` loads every file of the place and is what is timed; `reset` makes the table empty before and after."""

    name: str
    promise: str
    reset: Callable[[Place], None]
    load: Callable[[Place], None]
    table: str
    needs_jdbc: bool = False  # the driver
