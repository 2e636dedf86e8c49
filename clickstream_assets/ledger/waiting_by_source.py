"""The files that wait, of every source: one after the other, but for those whose file system does not answer.

Of objects it goes by what the stream has seen in the buckets: nobody else needs credentials, or the network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from psycopg2.extensions import connection as Connection

from clickstream_assets.contract import DEFAULT_SOURCE
from clickstream_assets.ledger.sources_in_force import sources_in_force
from clickstream_assets.ledger.waiting import EXAMPLES, WaitingFiles
from clickstream_assets.ledger.waiting_files import read_waiting_files
from clickstream_assets.settings import Settings
from clickstream_assets.sources.answering import answers
from clickstream_assets.sources.source import Source
from clickstream_assets.sql_files import statement

# By source; None: its directory does not answer, or is not there.
WaitingBySource = Mapping[str, WaitingFiles | None]


def read_waiting_by_source(connection: Connection, sources: Sequence[Source]) -> WaitingBySource:
    """What waits in each directory or bucket. The reader's rights are enough."""
    found: dict[str, WaitingFiles | None] = {}
    for source in sources:
        waiting = None
        if source.store is not None:
            waiting = read_waiting_objects(connection, source.name)
        elif source.is_default or answers(source.directory):
            waiting = read_waiting_files(connection, source.events_directory)
            if not source.is_default and "." in waiting.unlistable:
                waiting = None
        found[source.name] = waiting
    return found


def read_waiting_objects(connection: Connection, source: str) -> WaitingFiles:
    """Those of a source that are not stored yet. The reader's rights are enough. An object has landed when it was
    written to its bucket."""
    with connection.cursor() as cursor:
        cursor.execute(statement("objects.waiting"), {"source": source, "examples": EXAMPLES})
        row = cursor.fetchone()
    assert row is not None  # noqa: S101 (an aggregate)
    objects, size_bytes, oldest, registered, on_disk, paths = row
    return WaitingFiles(
        files=objects,
        size_bytes=size_bytes,
        registered=registered,
        oldest_landed_at=oldest,
        oldest_age_seconds=None if oldest is None else max(0.0, (datetime.now(UTC) - oldest).total_seconds()),
        oldest_paths=tuple(paths or ()),
        vanished=0,
        vanished_paths=(),
        unlistable=(),
        files_on_disk=on_disk,
    )


def read_all_waiting(connection: Connection, settings: Settings) -> WaitingFiles:
    """What waits in all directories together. One that cannot be listed counts as empty: its own check says so."""
    if settings.sources is None:
        return read_waiting_files(connection, settings.events_directory)
    return together(read_waiting_by_source(connection, sources_in_force(connection, settings).sources))


def together(by_source: WaitingBySource) -> WaitingFiles:
    """The sum. Paths of other sources than the default are written `source: path`."""
    total = by_source[DEFAULT_SOURCE]
    assert total is not None  # noqa: S101 - the default is always looked at
    for name, waiting in by_source.items():
        if name == DEFAULT_SOURCE or waiting is None:
            continue
        first, second = _named(name, waiting), total
        if _landed(second) <= _landed(first):
            first, second = second, first
        total = replace(
            first,
            files=first.files + second.files,
            size_bytes=first.size_bytes + second.size_bytes,
            registered=first.registered + second.registered,
            oldest_paths=(*first.oldest_paths, *second.oldest_paths)[:EXAMPLES],
            vanished=first.vanished + second.vanished,
            vanished_paths=(*first.vanished_paths, *second.vanished_paths)[:EXAMPLES],
            unlistable=(*first.unlistable, *second.unlistable),
            files_on_disk=first.files_on_disk + second.files_on_disk,
            ignored=first.ignored + second.ignored,
            ignored_paths=(*first.ignored_paths, *second.ignored_paths)[:EXAMPLES],
            set_aside=first.set_aside + second.set_aside,
            set_aside_paths=(*first.set_aside_paths, *second.set_aside_paths)[:EXAMPLES],
        )
    return total


def _landed(waiting: WaitingFiles) -> float:
    return float("inf") if waiting.oldest_landed_at is None else waiting.oldest_landed_at.timestamp()


def _named(source: str, waiting: WaitingFiles) -> WaitingFiles:
    def named(paths: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(f"{source}: {path}" for path in paths)

    return replace(
        waiting,
        oldest_paths=named(waiting.oldest_paths),
        vanished_paths=named(waiting.vanished_paths),
        unlistable=named(waiting.unlistable),
        ignored_paths=named(waiting.ignored_paths),
        set_aside_paths=named(waiting.set_aside_paths),
    )
