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
Belongs here: the reading, and the sentence about a mistake. Does not belong here: what a mapping means, which the
stream reads (`spark.mapping`) and the audit (`second_reader`).
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn, get_args

from clickstream_assets.contract import DEFAULT_SOURCE
from clickstream_assets.errors import SettingsError
from clickstream_assets.settings import Settings
from clickstream_assets.settings.values import FinishedFiles
from clickstream_assets.sources import object_store
from clickstream_assets.sources.object_store import ObjectStore
from clickstream_assets.sources.source import Drift, Source
from clickstream_assets.text import printable

MOST_SOURCES = 100
MOST_PATTERNS = 100
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


def read_sources(settings: Settings) -> tuple[Source, ...]:
    """All sources, `default` first, the others as the file has them.

    Raises:
        SettingsError: the file, or a source mapping that it names, cannot be read or says something that means nothing.
    """
    if settings.sources is None:
        return (_default(settings, {}, settings.home),)
    tables = _toml(settings.sources, "CLICKSTREAM_SOURCES names")
    if len(tables) > MOST_SOURCES:
        raise SettingsError(f"{settings.sources} has {len(tables)} sources: {MOST_SOURCES} are read at most.")
    sources = [
        _Section(settings, name, table).source() for name, table in ({DEFAULT_SOURCE: {}} | tables).items()
    ]
    sources.sort(key=lambda source: not source.is_default)
    _check_places(sources, settings.sources)
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


def _toml(path: Path, what: str) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"{what} {path}, which cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is no TOML: {error}.") from None


class _Section:
    """One section of the file."""

    def __init__(self, settings: Settings, name: str, table: object) -> None:
        assert settings.sources is not None  # noqa: S101 - the caller has read it
        self._settings = settings
        self._file = settings.sources
        self._name = name
        if not isinstance(table, dict):
            raise SettingsError(
                f"{self._file}: '{printable(name)}' stands alone: every line belongs to a source, below a line like "
                "[shop]."
            )
        self._table: dict[str, Any] = table

    def source(self) -> Source:
        """
        Raises:
            SettingsError: it says something that means nothing.
        """
        if not _NAME.fullmatch(self._name):
            self._refuse(
                "a source's name has up to 40 of a-z, 0-9 and _, the first a letter, for Dagster's assets are named "
                "after it"
            )
        if unknown := [key for key in self._table if key not in (*KEYS, *object_store.KEYS)]:
            self._refuse(f"'{printable(unknown[0])}' is none of {', '.join(KEYS)}")
        if object_store.is_url(self._table.get("directory")):
            return self._object_source()
        if misplaced := [key for key in object_store.KEYS if key in self._table]:
            self._refuse(f'{misplaced[0]} is for object stores, where directory is like "s3://bucket/prefix"')
        settings, is_default = self._settings, self._name == DEFAULT_SOURCE
        mapping, mapping_from = self._mapping()
        return Source(
            self._name,
            self._directory(),
            mapping,
            mapping_from,
            self._number("settle_seconds", settings.settle_seconds),
            self._number("settle_unterminated_seconds", settings.settle_unterminated_seconds),
            self._follow_links(),
            self._patterns(),
            self._choice("drift", get_args(Drift), "accept"),
            self._percent(),
            self._choice("finished_files", get_args(FinishedFiles), settings.finished_files),
            self._number("finished_hours", settings.finished_hours),
            self._path("archive_dir")
            or (settings.archive_dir if is_default else settings.archive_dir / self._name),
            self._text("owner"),
        )

    def _object_source(self) -> Source:
        """Objects never change: what was fetched is complete at once, and goes when it is stored."""
        if self._name == DEFAULT_SOURCE:
            self._refuse("the source default is the events directory: give objects a section of their own")
        mapping, mapping_from = self._mapping()
        return Source(
            self._name,
            self._path("local_dir") or self._settings.home / "objects" / self._name,
            mapping,
            mapping_from,
            settle_seconds=0.0,
            settle_unterminated_seconds=0.0,
            unfinished=self._patterns(),
            drift=self._choice("drift", get_args(Drift), "accept"),
            error_budget=self._percent(),
            finished_files="keep",
            owner=self._text("owner"),
            store=object_store.read_store(self._table, self._refuse),
        )

    def _refuse(self, what: str) -> NoReturn:
        raise SettingsError(f"{self._file}, [{printable(self._name)}]: {what}.")

    def _directory(self) -> Path:
        directory = self._path("directory")
        if directory is not None:
            return directory
        if self._name != DEFAULT_SOURCE:
            self._refuse('there is no directory: give one, like directory = "/srv/drop/shop"')
        return self._settings.events_dir

    def _mapping(self) -> tuple[Mapping[str, Any], str]:
        mapping = self._table.get("mapping")
        if mapping is None and self._name == DEFAULT_SOURCE and self._settings.source_mapping is not None:
            path = self._settings.source_mapping
            return _toml(path, "CLICKSTREAM_SOURCE_MAPPING names"), str(path)
        if mapping is None:
            return {}, f"{self._file}, [{self._name}]"
        if isinstance(mapping, dict):
            return mapping, f"{self._file}, [{self._name}.mapping]"
        named = self._path("mapping")
        assert named is not None  # noqa: S101 - it is there
        return _toml(named, f"{self._file}, [{self._name}]: mapping names"), str(named)

    def _text(self, key: str) -> str | None:
        value = self._table.get(key)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip() or "\0" in value:
            self._refuse(f"{key} takes a text in quotes, not {printable(repr(value))}")
        return value.strip()

    def _path(self, key: str) -> Path | None:
        text = self._text(key)
        if text is None:
            return None
        try:
            path = Path(text).expanduser()
        except RuntimeError:
            self._refuse(f"{key} is '{printable(text)}': there is no such user; write the whole path")
        return (self._file.parent / path).absolute()

    def _number(self, key: str, otherwise: float) -> float:
        value = self._table.get(key, otherwise)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
            self._refuse(f"{key} is {printable(repr(value))}: give a number that is not negative")
        return float(value)

    def _percent(self) -> float | None:
        if "error_budget" not in self._table:
            return None
        value = self._number("error_budget", 0.0)
        if value > 100:
            self._refuse(f"error_budget is {value:g}: give a percentage, from 0 to 100")
        return value

    def _follow_links(self) -> bool:
        value = self._table.get("follow_links", self._settings.follow_links)
        if not isinstance(value, bool):
            self._refuse(f"follow_links is {printable(repr(value))}: give true or false")
        return value

    def _patterns(self) -> tuple[str, ...]:
        value = self._table.get("unfinished", [])
        is_list = isinstance(value, list) and all(isinstance(text, str) and text for text in value)
        if not is_list or any("/" in text for text in value) or len(value) > MOST_PATTERNS:
            self._refuse('unfinished takes patterns of names, like ["*.writing", "~*"]')
        return tuple(value)

    def _choice(self, key: str, choices: Sequence[str], otherwise: str) -> Any:
        value = self._table.get(key, otherwise)
        if value not in choices:
            self._refuse(f"{key} is {printable(repr(value))}: give one of {', '.join(choices)}")
        return value


def _check_places(sources: Sequence[Source], file: Path) -> None:
    """No directory lies in another one, or its files would be read twice; nor does an archive, nor a bucket's part."""
    for source in sources:
        for other in sources:
            if source is not other and source.store and other.store:
                _check_stores(source, source.store, other.name, other.store, file)
            if source is not other and source.directory.is_relative_to(other.directory):
                raise SettingsError(
                    f"{file}: the directory of [{source.name}], {source.directory}, lies in that of [{other.name}], "
                    f"{other.directory}: its files would be read twice. Give each source one of its own."
                )
            if source.finished_files == "archive" and source.archive_dir.is_relative_to(other.directory):
                raise SettingsError(
                    f"{file}: the archive of [{source.name}], {source.archive_dir}, lies in the directory of "
                    f"[{other.name}], where it would be read again: give a directory outside of it."
                )


def _check_stores(source: Source, store: ObjectStore, name: str, other: ObjectStore, file: Path) -> None:
    if store.overlaps(other):
        raise SettingsError(
            f"{file}: {store.url}, of [{source.name}], and {other.url}, of [{name}], have objects in common, which "
            "would be read twice. Give each source a prefix of its own."
        )
    if store.move_to is not None and replace(store, prefix=store.move_to).overlaps(other):
        raise SettingsError(
            f"{file}: [{source.name}] moves its objects to {store.move_to}, which [{name}] reads: give another prefix."
        )
