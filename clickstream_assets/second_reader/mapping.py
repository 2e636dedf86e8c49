"""The source mapping, read for the audit: what a producer calls things and how it writes them.

What it may say is told, and checked, where the stream reads it; here only what would make reading impossible is.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from clickstream_assets.contract import NULL_TOKENS
from clickstream_assets.errors import SettingsError
from clickstream_assets.second_reader.layout import BACKSLASH, DOUBLED
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
    escape = tables.get("format", {}).get("escape")
    pattern, zone = time.get("format"), time.get("zone", "UTC")
    if pattern is not None and "%" not in pattern:
        raise SettingsError(
            f"The source mapping's time format '{pattern}' has no %: write it like %d.%m.%Y %H:%M:%S."
        )
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, KeyError):
        raise SettingsError(f"The source mapping's '{zone}' is no time zone.") from None
    return AuditMapping(
        columns={name.strip().lower(): our for name, our in tables.get("columns", {}).items()},
        actions={ascii_lower(word.strip(BLANKS)): our for word, our in tables.get("actions", {}).items()},
        time_format=pattern,
        time_zone=zone,
        nothing=tables.get("values", {}).get("nothing", NULL_TOKENS),
        price_decimal=price.get("decimal", "."),
        price_grouping=price.get("grouping"),
        escape={"backslash": BACKSLASH, "none": DOUBLED}.get(escape),
    )
