"""The source mapping: what another producer calls the columns and the actions, and how it writes values.

[columns]                      # their column = our field; wins over every known name
kunde = "user_id"

[actions]                      # their word = our action
angesehen = "view"

[time]
format = "%d.%m.%Y %H:%M:%S"   # strptime's notation; times in ISO 8601 and epochs are read besides
zone = "Europe/Berlin"         # of times that name none; UTC unless given

[price]
decimal = ","                  # the decimal sign; a point unless given
grouping = "."                 # between thousands; none unless given

[values]
nothing = ["-", "NA"]          # the words that mean "no value", instead of the known ones

[format]
escape = "backslash"           # how a quote within quotes is written; found per file unless given
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

from clickstream_assets.contract import CANONICAL_ACTIONS, FIELDS, NULL_TOKENS
from clickstream_assets.errors import SettingsError
from spark.cleaning.letters import BLANKS, ascii_lower
from spark.cleaning.time_formats import UTC, TimeFormatError, compiled

Escape = Literal["backslash", "none"]

TABLES = ("columns", "actions", "time", "price", "values", "format")
ESCAPES = ("backslash", "none")
GROUPING_SIGNS = (".", ",", "'", " ", "\u00a0", "\u202f", "\u2019", "_")


@dataclass(frozen=True)
class PriceFormat:
    """The signs in a price."""

    decimal: str = "."
    grouping: str = ""  # empty: there is none


@dataclass(frozen=True)
class SourceMapping:
    """Names are trimmed and in lower case, as files' names are compared."""

    columns: Mapping[str, str] = field(default_factory=dict)  # their column: our field
    actions: Mapping[str, str] = field(default_factory=dict)  # their word: our action
    time_format: str | None = None  # in strptime's notation
    time_zone: str = UTC
    price: PriceFormat = PriceFormat()
    nothing: Sequence[str] = NULL_TOKENS  # words in lower case
    escape: Escape | None = None  # None: found per file

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> SourceMapping:
        values = json.loads(text)
        return cls(**values | {"price": PriceFormat(**values["price"]), "nothing": tuple(values["nothing"])})


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
    _refuse_unknown(tables, TABLES, f"{path}")
    time_format, zone = _time(tables, path)
    return SourceMapping(
        _names(tables, "columns", FIELDS, path),
        _names(tables, "actions", CANONICAL_ACTIONS, path),
        time_format,
        zone,
        _price(tables, path),
        _nothing(tables, path),
        _escape(tables, path),
    )


def _time(tables: Mapping[str, Any], path: Path) -> tuple[str | None, str]:
    time = _texts(tables, "time", path)
    _refuse_unknown(time, ("format", "zone"), f"{path}, [time]")
    zone, form = time.get("zone", UTC), time.get("format")
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, KeyError):
        raise SettingsError(
            f"{path}, [time]: '{zone}' is no time zone: give a name like Europe/Berlin."
        ) from None
    if form is not None and "%" not in form:
        raise SettingsError(
            f"{path}, [time]: the format '{form}' has no %: write it in strptime's notation, "
            "like %d.%m.%Y %H:%M:%S (Spark's patterns, like dd.MM.yyyy, are no longer read)."
        )
    try:
        if form is not None:
            compiled(form)
    except TimeFormatError as error:
        raise SettingsError(f"{path}, [time]: the format '{form}' cannot be used: {error}.") from None
    return form, zone


def _price(tables: Mapping[str, Any], path: Path) -> PriceFormat:
    signs = _texts(tables, "price", path)
    _refuse_unknown(signs, ("decimal", "grouping"), f"{path}, [price]")
    form = PriceFormat(**signs)
    if form.decimal not in (".", ","):
        raise SettingsError(f"{path}, [price]: decimal is '{form.decimal}': give a point or a comma.")
    if form.grouping and form.grouping not in GROUPING_SIGNS:
        raise SettingsError(
            f"{path}, [price]: grouping is '{form.grouping}': give one of {' '.join(map(repr, GROUPING_SIGNS))}."
        )
    if form.decimal == form.grouping:
        raise SettingsError(f"{path}, [price]: decimal and grouping are the same sign, '{form.decimal}'.")
    return form


def _nothing(tables: Mapping[str, Any], path: Path) -> Sequence[str]:
    values = tables.get("values", {})
    words = values.get("nothing", list(NULL_TOKENS)) if isinstance(values, dict) else None
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise SettingsError(f'{path}: [values] takes a line like nothing = ["-", "NA"].')
    _refuse_unknown(values, ("nothing",), f"{path}, [values]")
    return tuple(ascii_lower(word.strip(BLANKS)) for word in words)


def _escape(tables: Mapping[str, Any], path: Path) -> Escape | None:
    form = _texts(tables, "format", path)
    _refuse_unknown(form, ("escape",), f"{path}, [format]")
    escape = form.get("escape")
    if escape is not None and escape not in ESCAPES:
        raise SettingsError(f"{path}, [format]: escape is '{escape}': give one of {', '.join(ESCAPES)}.")
    return cast("Escape | None", escape)


def _names(tables: Mapping[str, Any], table: str, ours: tuple[str, ...], path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for theirs, our in _texts(tables, table, path).items():
        # Words are compared without case in ASCII alone, as values are; names of columns wherever there is case.
        name = ascii_lower(theirs.strip(BLANKS)) if table == "actions" else theirs.strip().lower()
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
