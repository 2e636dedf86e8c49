"""One section of `sources.toml`: the source that it describes."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from clickstream_assets.contract import DEFAULT_SOURCE
from clickstream_assets.errors import SettingsError
from clickstream_assets.settings import Settings
from clickstream_assets.settings.values import FinishedFiles
from clickstream_assets.sources import object_store
from clickstream_assets.sources.section_values import SectionValues
from clickstream_assets.sources.source import Drift, Source
from clickstream_assets.text import printable

KEYS = (
    "directory",
    "mapping",
    "settle_seconds",
    "settle_unterminated_seconds",
    "unfinished",
    "follow_links",
    "drift",
    "error_budget",
    "finished_files",
    "finished_hours",
    "archive_dir",
    "owner",
)
# Of a Dagster asset and of a path in the archive.
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


def source_of(settings: Settings, file: Path, name: str, table: object) -> Source:
    """
    Raises:
        SettingsError: the section says something that means nothing.
    """
    if not isinstance(table, dict):
        raise SettingsError(
            f"{file}: '{printable(name)}' stands alone: every line belongs to a source, below a line like [shop]."
        )
    values = SectionValues(file, name, table)
    if not _NAME.fullmatch(name):
        values.refuse(
            "a source's name has up to 40 of a-z, 0-9 and _, the first a letter, for Dagster's assets are named "
            "after it"
        )
    if unknown := [key for key in table if key not in (*KEYS, *object_store.KEYS)]:
        values.refuse(f"'{printable(unknown[0])}' is none of {', '.join(KEYS)}")
    if object_store.is_url(table.get("directory")):
        return _of_objects(settings, values)
    if misplaced := [key for key in object_store.KEYS if key in table]:
        values.refuse(f'{misplaced[0]} is for object stores, where directory is like "s3://bucket/prefix"')
    return _of_directory(settings, values)


def _of_directory(settings: Settings, values: SectionValues) -> Source:
    is_default = values.name == DEFAULT_SOURCE
    mapping, mapping_from = _mapping(settings, values)
    return Source(
        values.name,
        _directory(settings, values),
        mapping,
        mapping_from,
        values.number("settle_seconds", settings.settle_seconds),
        values.number("settle_unterminated_seconds", settings.settle_unterminated_seconds),
        values.flag("follow_links", settings.follow_links),
        values.patterns("unfinished"),
        values.choice("drift", get_args(Drift), "accept"),
        values.percent("error_budget"),
        values.choice("finished_files", get_args(FinishedFiles), settings.finished_files),
        values.number("finished_hours", settings.finished_hours),
        values.path("archive_dir")
        or (settings.archive_dir if is_default else settings.archive_dir / values.name),
        values.text("owner"),
    )


def _of_objects(settings: Settings, values: SectionValues) -> Source:
    """Objects never change: what was fetched is complete at once, and goes when it is stored."""
    if values.name == DEFAULT_SOURCE:
        values.refuse("the source default is the events directory: give objects a section of their own")
    mapping, mapping_from = _mapping(settings, values)
    return Source(
        values.name,
        values.path("local_dir") or settings.home / "objects" / values.name,
        mapping,
        mapping_from,
        settle_seconds=0.0,
        settle_unterminated_seconds=0.0,
        unfinished=values.patterns("unfinished"),
        drift=values.choice("drift", get_args(Drift), "accept"),
        error_budget=values.percent("error_budget"),
        finished_files="keep",
        owner=values.text("owner"),
        store=object_store.read_store(values),
    )


def _directory(settings: Settings, values: SectionValues) -> Path:
    directory = values.path("directory")
    if directory is not None:
        return directory
    if values.name != DEFAULT_SOURCE:
        values.refuse('there is no directory: give one, like directory = "/srv/drop/shop"')
    return settings.events_dir


def _mapping(settings: Settings, values: SectionValues) -> tuple[Mapping[str, Any], str]:
    """The tables of its source mapping, and where they are from."""
    mapping = values.table.get("mapping")
    place = f"{values.file}, [{values.name}"
    if mapping is None and values.name == DEFAULT_SOURCE and settings.source_mapping is not None:
        path = settings.source_mapping
        return read_toml(path, "CLICKSTREAM_SOURCE_MAPPING names"), str(path)
    if mapping is None:
        return {}, f"{place}]"
    if isinstance(mapping, dict):
        return mapping, f"{place}.mapping]"
    named = values.path("mapping")
    assert named is not None  # noqa: S101 - it is there
    return read_toml(named, f"{place}]: mapping names"), str(named)


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """`what` begins the sentence about a file that cannot be read: who names it.

    Raises:
        SettingsError: it cannot be read, or is no TOML.
    """
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"{what} {path}, which cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is no TOML: {error}.") from None
