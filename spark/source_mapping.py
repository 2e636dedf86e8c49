"""The source mapping: what another producer calls the columns and the actions, and how it writes times.

Belongs here: the file that says so (TOML), and its check. Does not belong here: the names that are known without it
(`header`, `vocabulary`), and the use of any of it (`header`, `cleaning`).

    [columns]                      # their column = our field; wins over every known name
    kunde = "user_id"

    [actions]                      # their word = our action
    angesehen = "view"

    [time]
    format = "dd.MM.yyyy HH:mm:ss" # Spark's datetime pattern; times in ISO 8601 and epochs are read besides
    zone = "Europe/Berlin"         # of times that name none; UTC unless given
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from clickstream_assets.settings import SettingsError
from spark.header import FIELDS
from spark.vocabulary import CANONICAL_ACTIONS

UTC = "UTC"
ZONE_LETTERS = set("VzOXxZ")  # of a datetime pattern: the text itself names its zone


@dataclass(frozen=True)
class SourceMapping:
    """Names are trimmed and in lower case, as files' names are compared."""

    columns: Mapping[str, str] = field(default_factory=dict)  # their column: our field
    actions: Mapping[str, str] = field(default_factory=dict)  # their word: our action
    time_format: str | None = None
    time_zone: str = UTC

    @property
    def format_names_zone(self) -> bool:
        """Whether a time in `time_format` says its zone itself."""
        unquoted = "".join((self.time_format or "").split("'")[::2])
        return not ZONE_LETTERS.isdisjoint(unquoted)

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> SourceMapping:
        return cls(**json.loads(text))


def read_mapping(path: Path | None) -> SourceMapping:
    """The mapping in the file at `path`; the empty one for `None`.

    Raises:
        SettingsError: the file cannot be read, or says something that means nothing.
    """
    if path is None:
        return SourceMapping()
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"The source mapping {path} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"The source mapping {path} is no TOML: {error}.") from None
    _refuse_unknown(tables, ("columns", "actions", "time"), f"{path}")
    time = _texts(tables, "time", path)
    _refuse_unknown(time, ("format", "zone"), f"{path}, [time]")
    zone = time.get("zone", UTC)
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, KeyError):
        raise SettingsError(
            f"{path}, [time]: '{zone}' is no time zone: give a name like Europe/Berlin."
        ) from None
    return SourceMapping(
        _names(tables, "columns", FIELDS, path),
        _names(tables, "actions", CANONICAL_ACTIONS, path),
        time.get("format"),
        zone,
    )


def _names(tables: Mapping[str, Any], table: str, ours: tuple[str, ...], path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for theirs, our in _texts(tables, table, path).items():
        name = theirs.strip().lower()
        if our not in ours:
            raise SettingsError(f"{path}, [{table}]: '{our}' is none of {', '.join(ours)}.")
        if name in found:
            raise SettingsError(
                f"{path}, [{table}]: '{name}' is there twice; upper and lower case are the same."
            )
        if table == "actions" and name in ours and name != our:
            raise SettingsError(f"{path}, [actions]: '{name}' is an action of ours already.")
        found[name] = our
    return found


def _texts(tables: Mapping[str, Any], table: str, path: Path) -> dict[str, str]:
    values = tables.get(table, {})
    if not isinstance(values, dict) or not all(isinstance(value, str) and value for value in values.values()):
        raise SettingsError(f'{path}: [{table}] takes lines like name = "value".')
    return values


def _refuse_unknown(found: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for name in found:
        if name not in known:
            raise SettingsError(f"{where}: '{name}' means nothing there; known are {', '.join(known)}.")
