"""Which files wait, told anew each time: a walk by the standard library, and one query. The judge of the watch, which
remembers."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from psycopg2.extensions import connection as Connection

_QUERY = """
WITH disk AS (
    SELECT * FROM unnest(%(paths)s::text[], %(inodes)s::bigint[], %(sizes)s::bigint[], %(modified)s::bigint[],
                         %(changed)s::bigint[]) AS d (path, inode, size_bytes, modified_ns, changed_ns)
), known AS (
    SELECT DISTINCT ON (path) * FROM ingest_files ORDER BY path, file_id DESC
), waiting AS (
    SELECT d.path, d.size_bytes, k.status, coalesce(k.landed_at, to_timestamp(d.changed_ns / 1e9)) AS landed_at
      FROM disk AS d
      LEFT JOIN known AS k USING (path, inode, size_bytes, modified_ns)
     WHERE k.status IS NULL OR k.status IN ('registered', 'changed')
        OR (k.status = 'rejected' AND k.changed_ns <> d.changed_ns)
        OR (k.status = 'held' AND k.released_at IS NOT NULL)
)
SELECT (SELECT count(*) FROM waiting),
       (SELECT coalesce(sum(size_bytes), 0)::bigint FROM waiting),
       (SELECT count(*) FROM waiting WHERE status = 'registered'),
       ARRAY(SELECT path FROM waiting ORDER BY landed_at, path),
       ARRAY(SELECT f.path FROM ingest_files AS f
              WHERE f.status = 'registered'
                AND NOT EXISTS (SELECT FROM disk
                                 WHERE (disk.path, disk.inode, disk.size_bytes, disk.modified_ns)
                                     = (f.path, f.inode, f.size_bytes, f.modified_ns))
              ORDER BY f.file_id)
"""


@dataclass(frozen=True)
class Told:
    files: int
    size_bytes: int
    registered: int
    paths: list[str]  # the oldest first
    vanished_paths: list[str]


def waiting_by_sql(connection: Connection, directory: Path) -> Told:
    """Plain files with plain names alone."""
    found = []
    for folder, _, names in os.walk(directory):
        for name in names:
            if name.startswith("."):
                continue
            try:
                status = Path(folder, name).lstat()
            except FileNotFoundError:
                continue
            path = str(Path(folder, name).relative_to(directory))
            found.append((path, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns))
    columns = [list(column) for column in zip(*found, strict=True)] or [[], [], [], [], []]
    names = ("paths", "inodes", "sizes", "modified", "changed")
    with connection.cursor() as cursor:
        cursor.execute(_QUERY, dict(zip(names, columns, strict=True)))
        return Told(*cursor.fetchone())  # type: ignore[misc]


def oldest_waiting_seconds(connection: Connection, directory: Path) -> float:
    """How long the oldest plain file has been waiting; 0 where none does."""
    waiting = set(waiting_by_sql(connection, directory).paths)
    ages = [0.0]
    for path in waiting:
        with suppress(FileNotFoundError):
            ages.append(time.time() - (directory / path).stat().st_ctime)
    return max(ages)
