"""Which sources there are: by `sources.toml`, or, where that cannot be used, by what the stream has recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from psycopg2.extensions import connection as Connection

from clickstream_assets.errors import SettingsError
from clickstream_assets.settings import Settings
from clickstream_assets.sources.object_store import ObjectStore
from clickstream_assets.sources.source import Source
from clickstream_assets.sources.sources_file import read_sources
from clickstream_assets.sql_files import statement


@dataclass(frozen=True)
class InForce:
    """The sources, the default first. `fault`: why they are not those that the file says."""

    sources: Sequence[Source]
    fault: str | None = None


def longest_settling(sources: Sequence[Source]) -> float:
    """Seconds for which a file must not have changed before it is read, of the source where that is most."""
    return max((source.settle_seconds for source in sources), default=0.0)


def sources_in_force(connection: Connection, settings: Settings) -> InForce:
    """Without a sources' file, the default alone, and the ledger is not asked."""
    try:
        return InForce(read_sources(settings))
    except SettingsError as error:
        fault = str(error)
    default, *_ = read_sources(settings.changed(sources=None))
    with connection.cursor() as cursor:
        cursor.execute(statement("by_source.in_force"))
        rows = cursor.fetchall()
    recorded = [
        Source(
            name,
            Path(directory),
            settle_seconds=rules["settle_seconds"],
            settle_unterminated_seconds=rules["settle_unterminated_seconds"],
            follow_links=rules["follow_links"],
            unfinished=tuple(rules["unfinished"]),
            drift=rules["drift"],
            error_budget=rules["error_budget"],
            finished_files=rules["finished_files"],
            finished_hours=rules["finished_hours"],
            archive_dir=Path(rules["archive_dir"]),
            owner=owner,
            store=ObjectStore(**rules["store"]) if rules.get("store") else None,
        )
        for name, directory, owner, rules in rows
    ]
    recorded.sort(key=lambda source: not source.is_default)
    return InForce(recorded or [default], fault)
