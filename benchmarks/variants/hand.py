"""What a person would write in SQL: one session and one transaction, which the first bad row ends.

Into the pipeline's own table, partitioned and with columns for provenance, and into the leanest one.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from psycopg2.extensions import cursor as Cursor

from benchmarks.place import Place
from benchmarks.statements import on_table, statement
from benchmarks.variants.variant import Variant
from clickstream_assets.database import connect

OURS, LEAN, STAGING = "events", "hand_events", "hand_staging"
DEDUP = "dedup by ON CONFLICT; a bad row ends it"
NOTHING = "none: a repeated id or a bad row ends it"
BLOCK = 1024 * 1024  # bytes of a file at a time


def reset_lean(place: Place) -> None:
    place.run(statement("hand_tables"), statement("checkpoint"))


def reset_ours(place: Place) -> None:
    reset_lean(place)
    place.run(statement("without_provenance"))
    place.empty()


def copy_files(cursor: Cursor, copy: str, table: str, files: list[Path]) -> None:
    """Send the files as they are, by the statement `copy`, which names their columns."""
    text = on_table(copy, table).as_string(cursor)
    for file in files:
        with file.open("rb") as content:
            cursor.copy_expert(text, content, BLOCK)


def _staged(table: str, insert: str) -> Callable[[Place], None]:
    def load(place: Place) -> None:
        connection = connect(place.owner_url, "benchmarks")
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(on_table("hand_clear", STAGING))
                copy_files(cursor, "hand_copy", STAGING, place.files)
                cursor.execute(on_table(insert, table))
        finally:
            connection.close()

    return load


def _direct(table: str) -> Callable[[Place], None]:
    def load(place: Place) -> None:
        connection = connect(place.owner_url, "benchmarks")
        try:
            with connection, connection.cursor() as cursor:
                copy_files(cursor, "hand_copy", table, place.files)
        finally:
            connection.close()

    return load


SQL_OURS = Variant("SQL by hand, our table", DEDUP, reset_ours, _staged(OURS, "hand_insert"), OURS)
SORTED_SQL_OURS = Variant(
    "SQL by hand, sorted, our table", DEDUP, reset_ours, _staged(OURS, "hand_insert_in_order"), OURS
)
COPY_OURS = Variant("COPY into our table", NOTHING, reset_ours, _direct(OURS), OURS)
SQL_LEAN = Variant("SQL by hand, lean table", DEDUP, reset_lean, _staged(LEAN, "hand_insert"), LEAN)
COPY_LEAN = Variant("COPY into the lean table", NOTHING, reset_lean, _direct(LEAN), LEAN)
