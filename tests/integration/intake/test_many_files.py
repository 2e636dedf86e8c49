"""Registration of many files in one transaction. Guards against rows, chunks and numbers that are not of the same file,
and against a statement a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from databases import Database, run_sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from clickstream_assets.database import connect
from spark.discovery.place import EventsPlace
from spark.intake.intake import Intake
from spark.intake.manifest import Manifest
from spark.intake.taking import GROUP_FILES
from spark.lease import Lease

HEADER = b"user_id,session_id,action_type,product_id,event_time,price\n"
ROW = b"u,s,view,p%d,2026-01-01T00:00:00Z,19.99\n"
FILES = 2 * GROUP_FILES + 7

STATEMENTS = [0]


class CountingCursor(Cursor):
    def execute(self, query: Any, parameters: Any = None) -> None:
        STATEMENTS[0] += 1
        super().execute(query, parameters)


@pytest.fixture
def counted(database: Database) -> Iterator[Connection]:
    connection = connect(database.writer_url, "tests")
    connection.cursor_factory = CountingCursor
    STATEMENTS[0] = 0
    yield connection
    connection.close()


def test_each_file_has_its_own_row_and_chunks_in_the_order_of_landing_and_few_statements_are_made(
    database: Database, tmp_path: Path, counted: Connection
) -> None:
    events = tmp_path / "events"
    events.mkdir()
    for number in range(FILES):
        rows = b"".join(ROW % line for line in range(number % 4))
        kind = {0: "plain", 1: "né", 2: "no header"}.get(number % 50, "plain")
        (events / f"{number:04d} {kind}.csv").write_bytes(rows if kind == "no header" else HEADER + rows)
    failures: list[object] = []
    lease = Lease(database.writer_url, "catch-up", None, failures.append)
    try:
        place = EventsPlace(os.fsencode(events))
        Intake(place, Manifest(lambda: counted, lease.epoch), failures.append).register_present_files()
    finally:
        lease.release("test")
    assert STATEMENTS[0] < 60, "some statements a transaction, not one a file"

    registered = run_sql(
        database.owner_url,
        """SELECT path, status, rows_expected::int, size_bytes::int, octet_length(content_hash),
                  (SELECT count(*) FROM ingest_chunks WHERE ingest_chunks.file_id = ingest_files.file_id)::int,
                  chunks_open
             FROM ingest_files ORDER BY file_id""",
    )
    assert len(registered) == FILES
    for path, status, rows, size, digest, chunks, chunks_open in registered:
        assert size == (events / str(path)).stat().st_size
        if "no header" in str(path):
            assert (status, chunks) == ("rejected", 0)
            continue
        assert rows == (events / str(path)).read_bytes().count(b"view")
        assert digest == 32
        assert chunks == chunks_open == (1 if rows else 0)
    (in_order,) = run_sql(
        database.owner_url,
        """SELECT array_agg(file_id ORDER BY seq) = array_agg(file_id ORDER BY file_id, first_line)
             FROM ingest_chunks""",
    )
    assert in_order == (True,)
