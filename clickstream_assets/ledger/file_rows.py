"""The ledger's rows about files, as far as it takes to tell which files wait.

What follows from a row is in `waiting_watch`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from psycopg2.extensions import connection as Connection

from clickstream_assets.sql_files import statement

PATHS_AT_ONCE = 100_000  # that the server looks up together

Row = tuple[
    int, str, str, int, int, int, int, int
]  # what a FileRow is made of: of a million, only a few are made


class FileRow(NamedTuple):
    """A row of `ingest_files`. `status` is also `released`, of a file that was held back. `landed_us`: microseconds
    since 1970."""

    file_id: int
    path: str
    status: str
    inode: int
    size_bytes: int
    modified_ns: int
    changed_ns: int
    landed_us: int


class Place(NamedTuple):
    """Which table this is, and its last row: another table, or an earlier last row, is another ledger."""

    database: int
    table: int
    last_file_id: int


def read_place(connection: Connection) -> Place:
    """The ledger that `connection` leads to."""
    with connection.cursor() as cursor:
        cursor.execute(statement("ledger.place"))
        return Place(*(cursor.fetchone() or (0, 0, 0)))


def newest_rows(connection: Connection, source: str, paths: Iterable[str]) -> dict[str, Row]:
    """The newest row of each of these paths that has one."""
    with connection.cursor() as cursor:
        cursor.execute(statement("ledger.files_of_paths"), {"paths": array_literal(paths), "source": source})
        return {row[1]: row for row in cursor}


def rows_after(connection: Connection, source: str, file_id: int) -> Iterator[FileRow]:
    """The rows of a source after `file_id`, in their order."""
    return _rows(connection, "ledger.files_after", file_id=file_id, source=source)


def rows_of_ids(connection: Connection, file_ids: Iterable[int]) -> Iterator[FileRow]:
    """The rows with these ids, in no order."""
    return _rows(connection, "ledger.files_of_ids", file_ids=array_literal(file_ids))


def open_ids(connection: Connection, source: str) -> set[int]:
    """The files of a source that are registered and not committed, or were held back and are released."""
    with connection.cursor() as cursor:
        cursor.execute(statement("ledger.open_ids"), {"source": source})
        text = (cursor.fetchone() or ("",))[0]
    return set(map(int, text.split(","))) if text else set()


def array_literal(values: Iterable[str | int]) -> str:
    """A PostgreSQL array as one text parameter. psycopg2's own `ARRAY[…]` makes the server parse an
    expression for every element, which is slow for 100,000 files."""
    elements = list(map(str, values))
    if not elements:
        return "{}"
    texts = "\0".join(elements)
    if "\\" in texts or '"' in texts:
        texts = texts.replace("\\", "\\\\").replace('"', '\\"')
    return '{"' + texts.replace("\0", '","') + '"}'


def _rows(connection: Connection, name: str, **parameters: object) -> Iterator[FileRow]:
    with connection.cursor() as cursor:
        cursor.execute(statement(name), parameters)
        yield from map(FileRow._make, cursor)


def set_aside(connection: Connection, file_ids: Iterable[int]) -> list[str]:
    """The paths of those that could not be read, and that nobody waits for."""
    with connection.cursor() as cursor:
        cursor.execute(statement("ledger.set_aside"), {"file_ids": array_literal(file_ids)})
        return [path for (path,) in cursor]
