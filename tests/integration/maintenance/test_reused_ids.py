"""The look for ids at two times, and the check that says what it found."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from databases import Database, run_sql
from ledger_books import LedgerBooks, Part
from psycopg2.extensions import connection as Connection

from clickstream_assets.checks.on_events.same_id_other_time import judge as judge_reused_ids
from clickstream_assets.database import connect
from clickstream_assets.maintenance.reused_ids import ReusedIdsFound, find_reused_ids, read_reused_ids


@pytest.fixture
def writer(database: Database) -> Iterator[Connection]:
    connection = connect(database.writer_url, "tests", autocommit=True)
    yield connection
    connection.close()


@pytest.fixture
def books(database: Database) -> LedgerBooks:
    """Two batches of five events."""
    books = LedgerBooks(database.owner_url)
    for name in ("one.csv", "two.csv"):
        books.commit(Part(books.add_file(name, expected=5, chunks=1), inserted=5))
    return books


def reuse(database: Database, batch_id: int) -> None:
    """The newest event of a batch gets the id of the oldest event, and another time, in another month."""
    run_sql(database.owner_url, "SELECT ensure_event_partitions(ARRAY['2026-04-01'::date])")
    run_sql(
        database.owner_url,
        "UPDATE events SET event_id = (SELECT event_id FROM events ORDER BY id LIMIT 1),"
        " event_time = '2026-04-02'::timestamptz + make_interval(hours => %(batch)s)"
        " WHERE id = (SELECT max(id) FROM events WHERE batch_id = %(batch)s)",
        {"batch": batch_id},
    )


def test_an_id_at_two_times_is_found_once_counted_and_named(
    database: Database, books: LedgerBooks, writer: Connection
) -> None:
    reuse(database, 2)
    assert find_reused_ids(writer) == ReusedIdsFound(found=1, batches=2, batches_left=0)
    assert find_reused_ids(writer) == ReusedIdsFound(found=0, batches=0, batches_left=0)
    assert run_sql(
        database.reader_url,
        "SELECT event_time::text, other_time::text, batch_id::int, file_id::int FROM reused_event_ids",
    ) == [("2026-04-02 02:00:00+00", "2026-03-01 12:00:00+00", 2, 2)]
    judgement = judge_reused_ids(read_reused_ids(writer))
    assert judgement.verdict == "warn"
    assert "1 events have the id of an earlier one" in judgement.description


def test_only_new_batches_are_looked_at_but_against_all_that_is_stored(
    database: Database, books: LedgerBooks, writer: Connection
) -> None:
    find_reused_ids(writer)
    reuse(database, 2)  # behind our back: it is not looked at again
    assert find_reused_ids(writer).found == 0
    books.commit(Part(books.add_file("three.csv", expected=1, chunks=1), inserted=1))
    reuse(database, 3)
    assert find_reused_ids(writer) == ReusedIdsFound(found=1, batches=1, batches_left=0)


def test_a_look_that_runs_out_of_time_goes_on_where_it_stopped(
    database: Database, books: LedgerBooks, writer: Connection
) -> None:
    reuse(database, 2)
    assert find_reused_ids(writer, slice_rows=1, time_limit=0) == ReusedIdsFound(0, 1, 1)
    assert find_reused_ids(writer, slice_rows=1, time_limit=0) == ReusedIdsFound(1, 1, 0)


def test_each_probe_uses_the_unique_index(database: Database, books: LedgerBooks, writer: Connection) -> None:
    from clickstream_assets.sql_files import statement

    with writer, writer.cursor() as cursor:
        cursor.execute(statement("reused_ids.create_table"))
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN " + statement("reused_ids.find"), {"through": 0, "target": 2})
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Index Cond: ((event_id = e.event_id))" in plan or "Index Cond: (event_id = e.event_id)" in plan


def test_before_the_first_look_the_check_says_so(database: Database, writer: Connection) -> None:
    judgement = judge_reused_ids(read_reused_ids(writer))
    assert judgement.verdict == "pass"
    assert "Not looked for yet" in judgement.description
