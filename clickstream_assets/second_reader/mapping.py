"""The source mapping, read for the audit: what a producer calls things and how it writes them.

What it may say is told, and checked, where the stream reads it; here only what would make reading impossible is.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from clickstream_assets.contract import NULL_TOKENS, REPLAY_OF
from clickstream_assets.errors import SettingsError
from clickstream_assets.second_reader.layout import BACKSLASH, BARE_BACKSLASH, DOUBLED, NO_QUOTES
from clickstream_assets.second_reader.texts import BLANKS, ascii_lower


@dataclass(frozen=True)
class AuditMapping:
    """Names of columns and words of actions are in lower case."""

    columns: Mapping[str, str] = field(default_factory=dict)  # their column: our field
    actions: Mapping[str, str] = field(default_factory=dict)  # their word: our action
    time_format: str | None = None
    time_zone: str = "UTC"
    nothing: Sequence[str] = NULL_TOKENS
    price_decimal: str = "."
    price_grouping: str | None = None
    escape: str | None = None  # layout.BACKSLASH or DOUBLED; None: the file's layout says it
    fields: Mapping[str, Any] = field(default_factory=dict)  # our field: where it comes from, as TOML has it
    other_actions: Sequence[str] = ()
    optional: Sequence[str] = ()
    identity: Sequence[str] = ()  # columns
    time_of_day: str | None = None
    time_zones: Mapping[str, str] = field(default_factory=dict)  # names that times have, and what they mean
    price_scale: str | None = None
    price_currency: Sequence[str] = ()
    encoding: str = "utf-8"  # of files that have no byte-order mark
    delimiter: str | None = None
    skip_lines: int = 0
    comment: str | None = None
    header: Sequence[str] | None = None  # of files that have none
    path: str | None = None  # a pattern of their names
    records: Sequence[str] = ()  # of JSON: keys to the lists that are taken apart
    items: Sequence[str] = ()

    def is_headerless(self, columns: Sequence[str]) -> bool:
        """Whether a file with these columns has no header: one that `rejects replay` wrote has one in any case."""
        return self.header is not None and columns[:1] != (REPLAY_OF,)


def read_audit_mapping(path: Path | None) -> AuditMapping:
    """The mapping in the file at `path`; the one that says nothing for `None`.

    Raises:
        SettingsError: it cannot be read, or times cannot be read by what it says.
    """
    if path is None:
        return AuditMapping()
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"The source mapping {path} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise SettingsError(f"The source mapping {path} is no TOML: {error}.") from None
    return parse_audit_mapping(tables)


def parse_audit_mapping(tables: Mapping[str, Any]) -> AuditMapping:
    """The same from the tables of TOML.

    Raises:
        SettingsError: times cannot be read by what it says.
    """
    time, price = tables.get("time", {}), tables.get("price", {})
    pattern, zone = time.get("format"), time.get("zone", "UTC")
    if pattern is not None and "%" not in pattern:
        raise SettingsError(
            f"The source mapping's time format '{pattern}' has no %: write it like %d.%m.%Y %H:%M:%S."
        )
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, KeyError):
        raise SettingsError(f"The source mapping's '{zone}' is no time zone.") from None
    values, events, form = tables.get("values", {}), tables.get("events", {}), tables.get("format", {})
    scale = price.get("scale")
    return AuditMapping(
        columns={name.strip().lower(): our for name, our in tables.get("columns", {}).items()},
        actions={ascii_lower(word.strip(BLANKS)): our for word, our in tables.get("actions", {}).items()},
        time_format=pattern,
        time_zone=zone,
        nothing=[*values.get("nothing", NULL_TOKENS), *values.get("also_nothing", [])],
        price_decimal=price.get("decimal", "."),
        price_grouping=price.get("grouping"),
        escape=_escape(form),
        fields=tables.get("fields", {}),
        other_actions=tuple(name.strip(BLANKS) for name in _listed(events.get("other_actions", []))),
        optional=tuple(_listed(events.get("optional", []))),
        identity=tuple(name.strip() for name in _listed(events.get("identity", []))),
        time_of_day=time.get("time_of_day"),
        time_zones=time.get("zones", {}),
        price_scale=None if scale is None else f"{Decimal(repr(scale)):f}",
        price_currency=tuple(sign.strip(BLANKS) for sign in _listed(price.get("currency", []))),
        encoding=form.get("encoding", "utf-8").strip(),
        delimiter=form.get("delimiter"),
        skip_lines=form.get("skip_lines", 0),
        comment=form.get("comment"),
        header=tuple(_listed(form["header"])) if "header" in form else None,
        path=form.get("path"),
        records=_keys(form.get("records", [])),
        items=_keys(form.get("items", [])),
    )


def _escape(form: Mapping[str, Any]) -> str | None:
    escape = form.get("escape")
    if "quotes" in form:
        return BARE_BACKSLASH if escape == "backslash" else NO_QUOTES
    return None if escape is None else {"backslash": BACKSLASH, "none": DOUBLED}.get(escape)


def _keys(path: Any) -> tuple[str, ...]:
    return tuple(path.split(".") if isinstance(path, str) else path)


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def takes_from_path(tables: Mapping[str, Any]) -> bool:
    """Whether a mapping takes anything from the paths of files."""

    def does(recipe: Any) -> bool:
        if isinstance(recipe, list):
            return any(map(does, recipe))
        if not isinstance(recipe, dict):
            return False
        return "path" in recipe or any(does(recipe.get(key)) for key in ("first", "join", "sum", "when"))

    return any(map(does, tables.get("fields", {}).values()))


def columns_of(recipe: Any) -> set[str]:
    """The columns that a value of `[fields]` names."""
    if isinstance(recipe, str):
        return {recipe}
    if not isinstance(recipe, dict):
        return set()
    found = {recipe["column"]} if "column" in recipe else set()
    cases = recipe.get("when", [])
    inner = [*recipe.get("first", []), *recipe.get("join", []), *recipe.get("sum", [])]
    return found.union(*map(columns_of, [*inner, *([cases] if isinstance(cases, dict) else cases)]))
