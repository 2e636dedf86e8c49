"""Reading tables of TOML: texts, lists and choices, each mistake one sentence that names file, table and key.

What is true of any table. What a table of a source mapping means is said elsewhere (`mapping_file`).
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from clickstream_assets.errors import SettingsError


@dataclass(frozen=True)
class Place:
    """Where something stands in a file, for sentences about it."""

    file: str
    table: str = ""

    def __str__(self) -> str:
        return f"{self.file}, [{self.table}]" if self.table else self.file

    def within(self, name: str) -> Place:
        return Place(self.file, f"{self.table}.{name}" if self.table else name)

    def refuse(self, sentence: str) -> NoReturn:
        """Raises: SettingsError: `sentence`, with the place before it."""
        raise SettingsError(f"{self}: {sentence}")

    def refuse_unknown(self, found: Mapping[str, Any], known: Sequence[str]) -> None:
        """Raises: SettingsError: a key of `found` is none of `known`."""
        for name in found:
            if name not in known:
                near = difflib.get_close_matches(name, known, 1)
                hint = f"did you mean {near[0]}? Known" if near else "known"
                self.refuse(f"'{name}' means nothing there; {hint} are {', '.join(known)}.")


def table_of(tables: Mapping[str, Any], name: str, place: Place, known: Sequence[str]) -> Mapping[str, Any]:
    """The table `name`, empty where there is none; it has no other keys than `known`."""
    found = tables.get(name, {})
    if not isinstance(found, dict):
        place.refuse(f"[{name}] is a table, with a line for each of {', '.join(known)}.")
    place.within(name).refuse_unknown(found, known)
    return found


def texts_of(tables: Mapping[str, Any], name: str, place: Place) -> Mapping[str, str]:
    """A table in which every value is a text that is not empty."""
    values = tables.get(name, {})
    if not isinstance(values, dict) or not all(isinstance(value, str) and value for value in values.values()):
        place.refuse(f'[{name}] takes lines like name = "value".')
    return values


def text_of(table: Mapping[str, Any], key: str, place: Place, example: str) -> str | None:
    value = table.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or not value:
        place.refuse(f'{key} is {value!r}: give a text, like {key} = "{example}".')
    return value


def list_of(table: Mapping[str, Any], key: str, place: Place, example: str) -> tuple[str, ...] | None:
    """A list of texts; a single text stands for a list of one."""
    values = table.get(key)
    if values is None:
        return None
    if isinstance(values, str):
        values = [values]
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        place.refuse(f"{key} takes a list of texts, like {key} = {example}.")
    return tuple(values)


def keys_of(table: Mapping[str, Any], name: str, example: str, place: Place) -> tuple[str, ...]:
    """The keys that lead into an object: `data.orders`, or a list, where a key has a point in it; empty: not said.

    Raises:
        SettingsError: it is no such path.
    """
    value = table.get(name)
    if value is None:
        return ()
    keys = value.split(".") if isinstance(value, str) else value
    if not isinstance(keys, list) or not keys or not all(isinstance(key, str) and key for key in keys):
        place.refuse(f'{name} leads to a list, like {name} = "{example}".')
    return tuple(keys)
