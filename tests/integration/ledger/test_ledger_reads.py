"""The typed reads of the ledger. Guards against totals that forget repeated files, and a lock that is not seen."""

from __future__ import annotations

import psycopg2.errors
import pytest
from control_plane import wait_until
from databases import Database, run_sql
from ledger_books import LedgerBooks, Part, consistent_history
from psycopg2.extensions import connection as Connection

from clickstream_assets.database import connect
from clickstream_assets.ledger import reads as ledger
from clickstream_assets.sql_files import statement


def test_an_empty_ledger_has_no_batch_and_no_rates(reader: Connection) -> None:
    assert ledger.read_last_batch(reader) is None
    assert ledger.read_newest_event_time(reader) is None
    assert ledger.read_batches_since(reader, 0).batches == 0
    assert ledger.read_files_since(reader, 0).last_file_id is None
    totals = ledger.read_lifetime_counts(reader)
    assert totals == ledger.Counts(0, 0, 0, 0)
    assert (totals.duplicate_rate, totals.reject_rate) == (None, None)
    assert ledger.read_latency(reader).p50_seconds is None


def test_the_lock_of_the_stream_is_seen_by_a_reader_as_long_as_it_is_held(
    database: Database, reader: Connection
) -> None:
    assert not ledger.read_lease(reader).lock_held
    stream = connect(database.writer_url, "stream")
    stream.cursor().execute(statement("lease.lock"))
    lease = ledger.read_lease(reader)
    assert lease.lock_held
    assert lease.lock_backend_pid == stream.info.backend_pid
    stream.close()
    wait_until(lambda: not ledger.read_lease(reader).lock_held)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT pg_advisory_lock(hashtext('clickstream.stream')::bigint)",
        "LOCK TABLE stream_lock IN ACCESS SHARE MODE",
        "LOCK TABLE stream_lease IN EXCLUSIVE MODE",
    ],
)
def test_another_lock_is_not_the_stream(database: Database, reader: Connection, statement: str) -> None:
    other = connect(database.writer_url, "other")
    other.cursor().execute(statement)
    assert not ledger.read_lease(reader).lock_held
    other.close()


def test_totals_of_lifetime_and_window_hold_repeated_files(database: Database, reader: Connection) -> None:
    consistent_history(database.owner_url)
    assert ledger.read_lifetime_counts(reader) == ledger.Counts(27, 14, 10, 3)
    window = ledger.read_window_counts(reader)
    assert (window.rows_read, window.rows_inserted, window.rows_duplicate, window.rows_rejected) == (
        27,
        14,
        10,
        3,
    )
    assert (window.batches, window.duplicate_files, window.rows_conflict) == (5, 1, 1)
    assert window.duplicate_rate == pytest.approx(10 / 27)
    assert ledger.read_window_rejects(reader) == {"invalid_price": 3}


def test_the_window_leaves_out_what_is_older(database: Database, reader: Connection) -> None:
    books = LedgerBooks(database.owner_url)
    for ago, reason in ((7200, "old_reason"), (10, "new_reason")):
        file_id = books.add_file(f"{ago}.csv", expected=5, chunks=1, landed_seconds_ago=ago + 2)
        books.commit(Part(file_id, inserted=3, duplicate=1, rejected=1, reason=reason), seconds_ago=ago)
    window = ledger.read_window_counts(reader)
    assert (window.batches, window.rows_read) == (1, 5)
    assert ledger.read_window_rejects(reader) == {"new_reason": 1}
    assert ledger.read_latency(reader).files == 1
    assert ledger.read_window_counts(reader, 86_400).rows_read == 10
    assert ledger.read_lifetime_counts(reader).rows_read == 10


def test_latency_is_from_landing_to_commit(database: Database, reader: Connection) -> None:
    run_sql(
        database.owner_url,
        """
        INSERT INTO ingest_files (path, status, landed_at, committed_at, inode, size_bytes, modified_ns, changed_ns)
        SELECT n || '.csv', 'committed', now() - make_interval(secs => n / 10.0), now(), n, 1, 1, 1
          FROM generate_series(1, 100) AS n""",
    )
    latency = ledger.read_latency(reader)
    assert latency.files == 100
    assert latency.p50_seconds == pytest.approx(5.05)
    assert latency.p95_seconds == pytest.approx(9.505)
    assert latency.p99_seconds == pytest.approx(9.901)
    assert latency.max_seconds == pytest.approx(10)


def test_files_that_waited_for_the_very_first_stream_can_be_left_out(
    database: Database, reader: Connection
) -> None:
    books = LedgerBooks(database.owner_url)
    for ago in (100, 5):
        file_id = books.add_file(f"{ago}.csv", expected=1, chunks=1, landed_seconds_ago=ago)
        books.commit(Part(file_id, inserted=1), seconds_ago=1)
    lease = "UPDATE stream_lease SET epoch = %(epoch)s, started_at = now() - interval '60 s'"
    run_sql(database.owner_url, lease, {"epoch": 1})
    assert ledger.read_latency(reader).files == 2
    assert ledger.read_latency(reader, first_start_seconds=30).files == 1
    run_sql(database.owner_url, lease, {"epoch": 2})
    assert ledger.read_latency(reader, first_start_seconds=30).files == 2


def test_batches_and_files_since_a_cursor_are_the_ones_after_it(
    database: Database, reader: Connection
) -> None:
    consistent_history(database.owner_url)
    since = ledger.read_batches_since(reader, 3)
    assert (since.batches, since.first_batch_id, since.last_batch_id) == (2, 4, 5)
    assert (since.rows_read, since.rows_inserted, since.rows_duplicate, since.rows_rejected) == (7, 6, 0, 1)
    files = ledger.read_files_since(reader, 2)
    assert (files.files, files.last_file_id, files.duplicate_files, files.rejected_files) == (5, 7, 1, 1)
    last = ledger.read_last_batch(reader)
    assert last is not None
    assert (last.batch_id, last.rows_read, last.files) == (5, 5, 1)
    assert last.seconds == pytest.approx(0.2)


def test_a_snapshot_is_one_moment_and_cannot_write(database: Database, reader: Connection) -> None:
    books = LedgerBooks(database.owner_url)
    writer = connect(database.writer_url, "tests", autocommit=True)
    with ledger.snapshot(writer):
        assert ledger.read_files_since(writer, 0).files == 0
        books.add_file("a.csv")
        assert ledger.read_files_since(writer, 0).files == 0
        with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction), writer.cursor() as cursor:
            cursor.execute("UPDATE stream_lease SET failures = 1")
    assert writer.autocommit
    assert ledger.read_files_since(writer, 0).files == 1
    with writer.cursor() as cursor:
        cursor.execute("UPDATE stream_lease SET failures = 1")
    writer.close()


def test_a_failure_inside_a_snapshot_leaves_the_connection_usable(reader: Connection) -> None:
    with pytest.raises(psycopg2.errors.UndefinedTable), ledger.snapshot(reader), reader.cursor() as cursor:
        cursor.execute("SELECT * FROM nowhere")
    assert reader.autocommit
    assert ledger.read_lease(reader).epoch == 0
