"""What one stream works with, put together once: the settings, and what follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from clickstream_assets.contract import STREAM_URL_VARIABLE
from clickstream_assets.errors import SettingsError
from clickstream_assets.settings import Settings
from clickstream_assets.sources.sources_file import read_sources
from clickstream_assets.sources.watched_file import WatchedFile
from spark.intake.making import ReadSource
from spark.mapping.mapping_file import mapping_of, read_mapping
from spark.mapping.source_mapping import UNMAPPED, SourceMapping
from spark.sink.jdbc import find_jdbc_jar, jdbc_options

SPOOL = "spool"  # in the home


@dataclass(frozen=True)
class StreamSettings:
    """The settings of a stream.

    `url` is the writer's, and holds a password. `available_now`: the stream ends when all present files are in. `spool`
    is the directory that driver and tasks share; without one, tasks upload their rows. `jdbc_jar` is the driver of the
    jdbc sink, None for the copy sink. `driver_reads`: for the copy sink the driver reads small micro-batches itself.
    """

    settings: Settings
    url: str = field(repr=False)
    available_now: bool = False
    mapping: SourceMapping = field(default_factory=SourceMapping)
    spool: Path | None = None
    jdbc_jar: Path | None = None
    driver_reads: bool = True

    @property
    def driver_spool(self) -> Path:
        """Where the rows go that the driver reads."""
        return self.spool or self.settings.home / SPOOL

    @classmethod
    def of(cls, settings: Settings, *, available_now: bool = False) -> StreamSettings:
        """The settings of a stream of its own program.

        Raises:
            SettingsError: no database is named, the jdbc sink has no driver or cannot use that URL, or the source
                mapping cannot be used.
        """
        url = settings.stream_database_url or settings.database_url
        if url is None:
            raise SettingsError(
                f"{STREAM_URL_VARIABLE} is not set: give the URL of the database, or use `clickstream stream`, which "
                "knows it."
            )
        return cls(
            settings,
            url.get_secret_value(),
            available_now,
            _mapping_of_default(settings),
            settings.spool_dir or _spool_on_one_machine(settings),
            _jdbc_jar(settings, url.get_secret_value()) if settings.sink == "jdbc" else None,
        )


def _jdbc_jar(settings: Settings, url: str) -> Path:
    jdbc_options(url)  # refuses what Java's driver cannot use
    return find_jdbc_jar(settings.jdbc_jar)


def _mapping_of_default(settings: Settings) -> SourceMapping:
    if settings.sources is None:
        return read_mapping(settings.source_mapping)
    return stream_sources(settings, UNMAPPED)[0].mapping


def stream_sources(settings: Settings, mapping: SourceMapping) -> tuple[ReadSource, ...]:
    """All sources, the default first. `mapping`: of the default, where there is no sources' file.

    Raises:
        SettingsError: the file, or a source mapping, cannot be used.
    """
    sources = read_sources(settings)
    if settings.sources is None:
        return (ReadSource(sources[0], mapping),)
    return tuple(ReadSource(source, mapping_of(source.mapping, source.mapping_from)) for source in sources)


class ChangedSources:
    """The sources of `settings`, read again when their file has changed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._file = WatchedFile(settings)

    def __call__(self) -> Sequence[ReadSource] | None:
        """The new ones; None where nothing changed.

        Raises:
            SettingsError: the new version cannot be used.
        """
        return stream_sources(self._settings, UNMAPPED) if self._file.has_changed() else None


def _spool_on_one_machine(settings: Settings) -> Path | None:
    return settings.home / SPOOL if settings.spark_master.startswith("local") else None
