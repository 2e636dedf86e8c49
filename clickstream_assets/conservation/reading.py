"""Reading the books and what is stored, in the transaction of the audit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from psycopg2.extensions import connection as Connection
from psycopg2.extras import RealDictCursor

from clickstream_assets.sql_files import statement

MOST_SLICES = 16  # should the block-range index be behind, each slice reads the whole table
FIRST_ID, LAST_ID = -(2**63), 2**63 - 1


def one_row(connection: Connection, text: str, **parameters: Any) -> dict[str, Any]:
    """The only row of a statement."""
    with connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute(text, parameters)
        row = cursor.fetchone()
    assert row is not None  # noqa: S101 (an aggregate)
    return dict(row)


def all_rows(connection: Connection, text: str, **parameters: Any) -> Iterator[dict[str, Any]]:
    """Rows from a cursor of the server: the history need not fit into memory."""
    with connection.cursor("verify", cursor_factory=RealDictCursor) as cursor:
        cursor.itersize = 5_000
        cursor.execute(text, parameters)
        for row in cursor:
            yield dict(row)


def slices_of_files(connection: Connection, slice_rows: int) -> list[tuple[int, int]]:
    """Runs of file ids that together cover every possible id, those unknown to the ledger too."""
    totals = one_row(connection, statement("verify.totals"))
    stored = totals["files_inserted"] + totals["files_rejected"]
    slice_rows = max(slice_rows, -(-stored // MOST_SLICES))
    ends = [
        row["last_file_id"] for row in all_rows(connection, statement("verify.slices"), slice_rows=slice_rows)
    ]
    ends = [*ends[:-1], LAST_ID]
    return list(zip([FIRST_ID, *(end + 1 for end in ends[:-1])], ends, strict=True))
