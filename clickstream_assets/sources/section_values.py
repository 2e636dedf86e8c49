"""The values of one section of `sources.toml`: each mistake is one sentence that names file, section and key."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from clickstream_assets.errors import SettingsError
from clickstream_assets.text import printable

MOST_PATTERNS = 100


@dataclass(frozen=True)
class SectionValues:
    """Whatever reads one raises SettingsError where it means nothing; None: it is not there."""

    file: Path
    name: str
    table: Mapping[str, Any]

    def refuse(self, what: str) -> NoReturn:
        """Raises: SettingsError: `what`, with the place before it and a full stop after it."""
        raise SettingsError(f"{self.file}, [{printable(self.name)}]: {what}.")

    def text(self, key: str) -> str | None:
        value = self.table.get(key)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip() or "\0" in value:
            self.refuse(f"{key} takes a text in quotes, not {printable(repr(value))}")
        return value.strip()

    def path(self, key: str) -> Path | None:
        text = self.text(key)
        if text is None:
            return None
        try:
            path = Path(text).expanduser()
        except RuntimeError:
            self.refuse(f"{key} is '{printable(text)}': there is no such user; write the whole path")
        return (self.file.parent / path).absolute()

    def number(self, key: str, otherwise: float) -> float:
        value = self.table.get(key, otherwise)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
            self.refuse(f"{key} is {printable(repr(value))}: give a number that is not negative")
        return float(value)

    def positive(self, key: str, otherwise: float) -> float:
        value = self.table.get(key, otherwise)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1e9:
            self.refuse(f"{key} is {printable(repr(value))}: give a positive number")
        return float(value)

    def percent(self, key: str) -> float | None:
        if key not in self.table:
            return None
        value = self.number(key, 0.0)
        if value > 100:
            self.refuse(f"{key} is {value:g}: give a percentage, from 0 to 100")
        return value

    def flag(self, key: str, otherwise: bool) -> bool:
        value = self.table.get(key, otherwise)
        if not isinstance(value, bool):
            self.refuse(f"{key} is {printable(repr(value))}: give true or false")
        return value

    def patterns(self, key: str) -> tuple[str, ...]:
        value = self.table.get(key, [])
        is_list = isinstance(value, list) and all(isinstance(text, str) and text for text in value)
        if not is_list or any("/" in text for text in value) or len(value) > MOST_PATTERNS:
            self.refuse(f'{key} takes patterns of names, like ["*.writing", "~*"]')
        return tuple(value)

    def choice(self, key: str, choices: Sequence[str], otherwise: str) -> Any:
        value = self.table.get(key, otherwise)
        if value not in choices:
            self.refuse(f"{key} is {printable(repr(value))}: give one of {', '.join(choices)}")
        return value
