"""Files waiting: what is on disk and not in the database yet, whatever the stream may be doing.

It walks the events directory and compares it with the ledger in one query. Whether a file is complete, readable or new
is decided by the stream's intake.

Which files wait. A path on disk is compared with the ledger's newest row of that path, as intake does it:

- no row, or one about another inode, size or modification time: it waits;
- `registered`: it waits;
- `committed` or `duplicate`: it does not, even if its inode's change time differs. A chmod or a hard link
  moves that time alone, and must not look like a backlog. The one delivery that this rule hides is an
  overwrite in place with the same size and the old modification time put back, until intake rechecks it
  (seconds) and the ledger says what it was;
- `rejected`: it waits again if the change time differs: a chmod is how an unreadable file becomes readable;
- `changed`: it waits, since that state was never read.

Names of unfinished files (`file_names`) are ignored, and counted. Directories are walked, links to files count as
files, links to directories and special files do not. A link that leads out of the directory is not read, unless
CLICKSTREAM_FOLLOW_LINKS says so: then it stands for itself, in the ledger too.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from psycopg2.extensions import connection as Connection

from clickstream_assets.contract import DEFAULT_SOURCE
from clickstream_assets.file_names import (
    EventsDirectory,
    leads_outside,
    ledger_path,
    signed_inode,
)
from clickstream_assets.sql_files import statement

EXAMPLES = 5  # waiting paths that are named, the oldest first, and ignored ones


class ListedFile(NamedTuple):
    """One state of one path. `path` is relative to the events directory, as the ledger writes it."""

    path: str
    inode: int
    size_bytes: int
    modified_ns: int
    changed_ns: int


@dataclass(frozen=True)
class Listing:
    """The regular files below a directory at one moment."""

    files: tuple[ListedFile, ...]
    unlistable: tuple[str, ...]  # directories that could not be read, "." for the events directory itself
    listed_at: float  # seconds since 1970, before the walk
    ignored: tuple[str, ...] = ()  # by their names, in order; a directory ends with a slash
    source: str = DEFAULT_SOURCE


@dataclass(frozen=True)
class WaitingFiles:
    """The backlog on disk. Times are UTC; ages are seconds."""

    files: int
    size_bytes: int
    registered: int  # of them: known to the ledger, not committed; the others are not known yet
    oldest_landed_at: datetime | None
    oldest_age_seconds: float | None
    oldest_paths: tuple[str, ...]
    vanished: int  # registered in the ledger, but that state of the file is no longer on disk
    vanished_paths: tuple[str, ...]
    unlistable: tuple[str, ...]
    files_on_disk: int
    ignored: int = 0  # by their names
    ignored_paths: tuple[str, ...] = ()
    unterminated_paths: tuple[str, ...] = ()  # of the oldest: those that wait for the end of their last line


def list_event_files(directory: EventsDirectory) -> Listing:
    """Walk `directory`. What vanishes during the walk is left out; what cannot be read is named."""
    listed_at = time.time()
    walk = _Walk(directory)
    walk.run()
    return Listing(
        tuple(walk.files),
        tuple(sorted(walk.unlistable)),
        listed_at,
        tuple(sorted(walk.ignored)),
        directory.source,
    )


class _Walk:
    def __init__(self, directory: EventsDirectory) -> None:
        self._directory = directory.path
        self._ignores = directory.ignores
        self._follow_links = directory.follow_links
        self._pending = [""]
        self.files: list[ListedFile] = []
        self.unlistable: list[str] = []
        self.ignored: list[str] = []

    def run(self) -> None:
        while self._pending:
            relative = self._pending.pop()
            try:
                with os.scandir(os.path.join(self._directory, relative)) as entries:  # noqa: PTH118 (100,000 names)
                    for entry in entries:
                        self._look(entry, relative + entry.name)
            except FileNotFoundError:
                if not relative:
                    self.unlistable.append(".")
            except OSError:
                self.unlistable.append(ledger_path(relative.rstrip("/")) or ".")

    def _look(self, entry: os.DirEntry[str], relative: str) -> None:
        try:
            is_directory = entry.is_dir(follow_symlinks=False)
            if self._ignores(entry.name):
                self.ignored.append(ledger_path(relative) + "/" * is_directory)
            elif is_directory:
                self._pending.append(relative + "/")
            elif entry.is_file():
                stat = entry.stat(follow_symlinks=not self._stands_for_itself(entry))
                self.files.append(
                    ListedFile(
                        ledger_path(relative),
                        signed_inode(stat.st_ino),
                        stat.st_size,
                        stat.st_mtime_ns,
                        stat.st_ctime_ns,
                    )
                )
        except OSError:
            pass  # gone, or a link that leads nowhere

    def _stands_for_itself(self, entry: os.DirEntry[str]) -> bool:
        return (
            not self._follow_links
            and entry.is_symlink()
            and leads_outside(os.fsencode(entry.path), os.fsencode(self._directory))
        )


def read_waiting_files(connection: Connection, directory: EventsDirectory) -> WaitingFiles:
    """List `directory`, then compare with the ledger. In this order, a file that is committed meanwhile
    does not count as waiting."""
    return compare_with_ledger(connection, list_event_files(directory))


def compare_with_ledger(connection: Connection, listing: Listing, examples: int = EXAMPLES) -> WaitingFiles:
    """Which files of the listing wait. One query, whatever their number; at most `examples` paths are named."""
    columns = list(zip(*listing.files, strict=True)) or [(), (), (), (), ()]
    parameters = {
        "paths": array_literal(columns[0]),
        "inodes": array_literal(columns[1]),
        "sizes": array_literal(columns[2]),
        "modified": array_literal(columns[3]),
        "changed": array_literal(columns[4]),
        "listed_at": listing.listed_at,
        "examples": examples,
        "source": listing.source,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement("ledger.waiting_files"), parameters)
        row = cursor.fetchone()
    assert row is not None  # noqa: S101 (an aggregate)
    files, size_bytes, registered, oldest, oldest_paths, vanished, vanished_paths = row
    age = None if oldest is None else max(0.0, (datetime.now(UTC) - oldest).total_seconds())
    return WaitingFiles(
        files=files,
        size_bytes=size_bytes,
        registered=registered,
        oldest_landed_at=oldest,
        oldest_age_seconds=age,
        oldest_paths=tuple(oldest_paths),
        vanished=vanished,
        vanished_paths=tuple(vanished_paths),
        unlistable=listing.unlistable,
        files_on_disk=len(listing.files),
        ignored=len(listing.ignored),
        ignored_paths=listing.ignored[:EXAMPLES],
    )


def array_literal(values: Iterable[str | int]) -> str:
    """A PostgreSQL array as one text parameter. psycopg2's own `ARRAY[…]` makes the server parse an
    expression for every element, which is slow for 100,000 files."""
    return "{" + ",".join(_element(value) for value in values) + "}"


def _element(value: str | int) -> str:
    if isinstance(value, int):
        return str(value)
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
