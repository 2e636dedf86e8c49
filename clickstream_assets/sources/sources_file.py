"""The sources by the settings: those of `sources.toml`, and the events directory, which is the source `default`.

[shop]                            # a section a source; its name is in the ledger and in Dagster
directory = "/srv/drop/shop"      # a relative path begins where this file is
mapping = "shop.toml"             # a source mapping; or its tables: [shop.mapping.columns] and so on
settle_seconds = 5
settle_unterminated_seconds = 60
unfinished = ["*.writing"]        # names of files that are still being written, besides the known ones
follow_links = false
drift = "quarantine"              # files with other columns: accept, quarantine or refuse
error_budget = 5                  # per cent of rejects from which on a file is held back
finished_files = "archive"        # keep, archive or delete
finished_hours = 24
archive_dir = "/srv/archive/shop"
owner = "shop-team@example.com"

Where `directory` is a URL like s3://bucket/prefix, `object_store` says which keys there are.
A section `[default]` says more of the events directory. What a section does not say is as the settings have it.
What a mapping means is read by the stream (`spark.mapping`) and by the audit (`second_reader`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clickstream_assets.contract import DEFAULT_SOURCE
from clickstream_assets.errors import SettingsError
from clickstream_assets.settings import Settings
from clickstream_assets.sources.places import check_places
from clickstream_assets.sources.section import read_toml, source_of
from clickstream_assets.sources.source import Source

MOST_SOURCES = 100


def read_sources(settings: Settings) -> tuple[Source, ...]:
    """All sources, `default` first, the others as the file has them.

    Raises:
        SettingsError: the file, or a source mapping that it names, cannot be read or says something that means nothing.
    """
    if settings.sources is None:
        return (_default(settings, {}, settings.home),)
    tables = read_toml(settings.sources, "CLICKSTREAM_SOURCES names")
    if len(tables) > MOST_SOURCES:
        raise SettingsError(f"{settings.sources} has {len(tables)} sources: {MOST_SOURCES} are read at most.")
    sources = [
        source_of(settings, settings.sources, name, table)
        for name, table in ({DEFAULT_SOURCE: {}} | tables).items()
    ]
    sources.sort(key=lambda source: not source.is_default)
    check_places(sources, settings.sources)
    return tuple(sources)


def files_of(settings: Settings) -> tuple[Path, ...]:
    """The files that `read_sources` reads, as far as they can be told."""
    if settings.sources is None:
        return ()
    found = [settings.sources, *([settings.source_mapping] if settings.source_mapping else [])]
    try:
        tables = tomllib.loads(settings.sources.read_text("utf-8"))
    except (OSError, ValueError):
        return tuple(found)
    for table in tables.values():
        mapping = table.get("mapping") if isinstance(table, dict) else None
        if isinstance(mapping, str) and "\0" not in mapping:
            found.append(settings.sources.parent / mapping)
    return tuple(found)


def _default(settings: Settings, mapping: Mapping[str, Any], origin: Path) -> Source:
    return Source(
        DEFAULT_SOURCE,
        settings.events_dir,
        mapping,
        str(settings.source_mapping or origin),
        settings.settle_seconds,
        settings.settle_unterminated_seconds,
        settings.follow_links,
        finished_files=settings.finished_files,
        finished_hours=settings.finished_hours,
        archive_dir=settings.archive_dir,
    )
