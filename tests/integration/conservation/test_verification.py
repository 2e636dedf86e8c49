"""`clickstream verify`. Guards against an audit that compares the ledger with itself: each corruption here leaves
the ledger plausible in some way, and must be named with its file or batch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import Database, run_sql
from ledger_books import LedgerBooks, Part, consistent_history, state_on_disk

from clickstream_assets.conservation.audit import verify, verify_recent
from clickstream_assets.conservation.books import Unseen
from clickstream_assets.conservation.outcome import Audit
from clickstream_assets.database import connect
from clickstream_assets.file_names import EventsDirectory
from clickstream_assets.ledger.facts import Counts
from clickstream_assets.sql_files import statement


@pytest.fixture
def books(database: Database) -> Iterator[LedgerBooks]:
    return consistent_history(database.owner_url)


def audit(
    database: Database, events_dir: Path | None = None, since: int | None = None, **limits: int
) -> Audit:
    connection = connect(database.reader_url, "tests", autocommit=True)
    try:
        return (
            verify(connection, EventsDirectory(events_dir) if events_dir is not None else None, **limits)
            if since is None
            else verify_recent(connection, since)
        )
    finally:
        connection.close()


def test_a_consistent_history_passes_with_its_sums(database: Database, books: LedgerBooks) -> None:
    result = audit(database)
    assert result.offences == ()
    assert result.ok
    assert (result.files, result.batches) == (7, 5)
    assert result.counts == Counts(rows_read=27, rows_inserted=14, rows_duplicate=10, rows_rejected=3)


@pytest.mark.parametrize("status", ["rejected", "changed"])
def test_a_file_that_failed_after_a_part_of_it_was_committed_passes(
    database: Database, books: LedgerBooks, status: str
) -> None:
    file_id = books.add_file("part.csv", status=status, reason="unreadable", expected=9)
    books.commit(Part(file_id, inserted=3, rejected=1))
    assert audit(database).offences == ()


def test_an_empty_database_passes(database: Database) -> None:
    assert audit(database).ok


def test_files_in_many_slices_are_each_looked_at_once(database: Database, books: LedgerBooks) -> None:
    run_sql(database.owner_url, "UPDATE ingest_files SET rows_expected = rows_expected + 1")
    result = audit(database, slice_rows=1)
    offenders = [offence.file_id for offence in result.offences if offence.rule == "file_expected"]
    assert offenders == [1, 2, 6, 7]


EXTRA_EVENT = """
    INSERT INTO events (event_id, user_id, session_id, action_type, product_id, event_time, batch_id, file_id, line_no)
    VALUES (gen_random_uuid(), 'u', 's', 'view', 'p', '2026-03-02', {batch}, {file}, {line})"""

# name of the corruption: statements, rule that names it, file, batch
CORRUPTIONS: dict[str, tuple[tuple[str, ...], str, int | None, int | None]] = {
    "an event of a file is missing": (
        ("DELETE FROM events WHERE file_id = 1 AND line_no = 2",), "file_inserted", 1, None,
    ),
    "an event of a batch is missing": (
        ("DELETE FROM events WHERE batch_id = 3 AND line_no = 6",), "batch_inserted", None, 3,
    ),
    "a file has an event too many": (
        (EXTRA_EVENT.format(batch=1, file=1, line=99),), "file_inserted", 1, None,
    ),
    "an event moved to another file": (
        ("UPDATE events SET file_id = 2, line_no = 99 WHERE file_id = 1 AND line_no = 2",), "file_inserted", 2, None,
    ),
    "an event moved to another batch": (
        ("UPDATE events SET batch_id = 1 WHERE batch_id = 2 AND line_no = 2",), "batch_inserted", None, 1,
    ),
    "a line is stored twice as event": (
        ("DELETE FROM events WHERE file_id = 1 AND line_no = 3", EXTRA_EVENT.format(batch=1, file=1, line=2)),
        "line_twice", 1, None,
    ),
    "a line is stored as event and as reject": (
        ("UPDATE events SET line_no = 5 WHERE file_id = 1 AND line_no = 2",), "line_twice", 1, None,
    ),
    "a line is stored twice as reject": (
        (
            "ALTER TABLE rejected_events DROP CONSTRAINT rejected_events_file_id_line_no_key",
            "INSERT INTO rejected_events (file_id, line_no, byte_offset, byte_length, raw, reason, batch_id)"
            " SELECT file_id, line_no, 0, 3, raw, reason, batch_id FROM rejected_events WHERE file_id = 2",
        ),
        "line_twice", 2, None,
    ),
    "a reject of a file is missing": (
        ("DELETE FROM rejected_events WHERE file_id = 2",), "file_rejected", 2, None,
    ),
    "a reject of a batch is missing": (
        ("DELETE FROM rejected_events WHERE batch_id = 1",), "batch_rejected", None, 1,
    ),
    "an event carries a file that the ledger does not know": (
        (EXTRA_EVENT.format(batch=1, file=4711, line=2),), "file_unknown", 4711, None,
    ),
    "an event carries a file id below all others": (
        (EXTRA_EVENT.format(batch=1, file=-1, line=2),), "file_unknown", -1, None,
    ),
    "an event carries a batch that the ledger does not know": (
        (EXTRA_EVENT.format(batch=4711, file=1, line=99),), "batch_unknown", None, 4711,
    ),
    "a reject carries a batch that the ledger does not know": (
        ("UPDATE rejected_events SET batch_id = 4711 WHERE file_id = 1",), "batch_unknown", None, 4711,
    ),
    "the counts of a file do not add up": (
        ("UPDATE ingest_files SET rows_duplicate = 1 WHERE file_id = 1",), "file_sum", 1, None,
    ),
    "a row of a committed file was never read": (
        ("UPDATE ingest_files SET rows_read = 5, rows_duplicate = 1 WHERE file_id = 1",), "file_expected", 1, None,
    ),
    "a committed file has an open chunk": (
        (
            "UPDATE ingest_files SET chunks_open = 1 WHERE file_id = 1",
            "INSERT INTO ingest_chunks VALUES (99, 1, 0, 1, 2, 1, 1)",
        ),
        "file_chunks", 1, None,
    ),
    "a committed file has no time of its commit": (
        ("UPDATE ingest_files SET committed_at = NULL WHERE file_id = 1",), "file_status", 1, None,
    ),
    "the queue lost a chunk of a waiting file": (
        ("DELETE FROM ingest_chunks WHERE file_id = 7",), "file_chunks", 7, None,
    ),
    "the queue and the books lost the last chunk of a half committed file": (
        ("DELETE FROM ingest_chunks WHERE file_id = 6", "UPDATE ingest_files SET chunks_open = 0 WHERE file_id = 6"),
        "file_chunks", 6, None,
    ),
    "a half committed file has more rows read than are missing from its queue": (
        ("UPDATE ingest_chunks SET records = records + 1 WHERE file_id = 6",), "file_expected", 6, None,
    ),
    "a half committed file lost an event": (
        ("DELETE FROM events WHERE file_id = 6 AND line_no = 2",), "file_inserted", 6, None,
    ),
    "a changed file lost an event of its committed part": (
        ("DELETE FROM events WHERE file_id = 5 AND line_no = 2",), "file_inserted", 5, None,
    ),
    "a changed file gives no reason": (
        ("UPDATE ingest_files SET reason = NULL WHERE file_id = 5",), "file_status", 5, None,
    ),
    "a rejected file gives no reason": (
        ("UPDATE ingest_files SET reason = NULL WHERE file_id = 4",), "file_status", 4, None,
    ),
    "a rejected file has rows": (
        ("UPDATE ingest_files SET rows_read = 1, rows_duplicate = 1 WHERE file_id = 4",), "file_status", 4, None,
    ),
    "a repeated file was counted with fewer rows than its original": (
        ("UPDATE ingest_files SET rows_read = 5, rows_duplicate = 5 WHERE file_id = 3",), "file_original", 3, None,
    ),
    "a repeated file repeats a file that was never committed": (
        ("UPDATE ingest_files SET duplicate_of = 7 WHERE file_id = 3",), "file_original", 3, None,
    ),
    "a repeated file repeats a file that does not exist": (
        ("UPDATE ingest_files SET duplicate_of = 4711 WHERE file_id = 3",), "file_original", 3, None,
    ),
    "the counts of a batch do not add up": (
        (
            "ALTER TABLE ingest_batches DROP CONSTRAINT ingest_batches_check",
            "UPDATE ingest_batches SET rows_duplicate = 1 WHERE batch_id = 1",
        ),
        "batch_sum", None, 1,
    ),
    "a conflict of a batch is missing": (
        ("DELETE FROM event_conflicts",), "batch_conflicts", None, 3,
    ),
    "a batch is missing": (
        ("DELETE FROM ingest_batches WHERE batch_id = 2",), "batch_gap", None, 3,
    ),
    "the running totals of a batch are wrong": (
        ("UPDATE ingest_batches SET total_rows_duplicate = 99 WHERE batch_id = 3",), "batch_total", None, 3,
    ),
    "the running totals of the first batch are wrong": (
        ("UPDATE ingest_batches SET total_rows_read = 99 WHERE batch_id = 1",), "batch_total", None, 1,
    ),
    "files and batches have different sums": (
        (
            "UPDATE ingest_files SET rows_read = 5, rows_expected = 5, rows_duplicate = 1 WHERE file_id = 1",
            "UPDATE ingest_files SET rows_read = 5, rows_duplicate = 5 WHERE file_id = 3",
        ),
        "totals", None, None,
    ),
    "the unique key of events is gone": (
        ("ALTER TABLE events DROP CONSTRAINT events_event_id_event_time_key",), "event_key", None, None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_the_audit_names_the_offender_where(corruption: str, database: Database, books: LedgerBooks) -> None:
    statements, rule, file_id, batch_id = CORRUPTIONS[corruption]
    for change in statements:
        run_sql(database.owner_url, change)
    result = audit(database)
    assert not result.ok
    named = [(offence.rule, offence.file_id, offence.batch_id) for offence in result.offences]
    assert (rule, file_id, batch_id) in named, result.offences


def counted(books: LedgerBooks, writer_url: str) -> None:
    """The count that a stream keeps: it begins with what is there, and goes on with a file and a batch."""
    run_sql(writer_url, statement("intake.count_registered"), {"file_ids": [7]})
    run_sql(writer_url, statement("commit.count_committed"), {"batch_id": 5})
    refused = [books.add_file(f"{name}.gz", status="rejected", reason="not_gzip") for name in "ab"]
    run_sql(writer_url, statement("intake.count_registered"), {"file_ids": refused})
    last = books.add_file("last.csv", expected=2, chunks=1)
    run_sql(writer_url, statement("intake.count_registered"), {"file_ids": [last]})
    run_sql(
        writer_url, statement("commit.count_committed"), {"batch_id": books.commit(Part(last, inserted=2))}
    )


def test_a_counted_ledger_passes(database: Database, books: LedgerBooks) -> None:
    counted(books, database.writer_url)
    assert audit(database).offences == ()
    assert run_sql(database.owner_url, "SELECT * FROM ledger_totals ORDER BY of_table") == [
        ("ingest_batches", 6, 21),
        ("ingest_files", 10, 55),
    ]


def test_a_ledger_whose_first_files_are_refused_is_counted_from_the_first(database: Database) -> None:
    books = LedgerBooks(database.owner_url)
    for name in "abc":
        file_id = books.add_file(name, status="rejected", reason="empty_file")
        run_sql(database.writer_url, statement("intake.count_registered"), {"file_ids": [file_id]})
    assert audit(database).ok
    run_sql(database.owner_url, "DELETE FROM ingest_files WHERE file_id = 2")
    assert [(o.rule, o.file_id) for o in audit(database).offences] == [("file_missing", 2)]


LAST_BATCH = (
    "DELETE FROM events WHERE batch_id = 6",
    "DELETE FROM ingest_files WHERE path = 'last.csv'",
    "DELETE FROM ingest_batches WHERE batch_id = 6",
)


@pytest.mark.parametrize(
    ("statements", "named"),
    [
        (("DELETE FROM ingest_files WHERE path = 'noise.gz'",), {("file_missing", 4, None)}),
        (("DELETE FROM ingest_files WHERE path = 'b.gz'",), {("file_missing", 9, None)}),
        (("DELETE FROM ingest_files WHERE path IN ('a.gz', 'b.gz')",), {("file_missing", None, None)}),
        (
            (
                "DELETE FROM ingest_files WHERE path = 'b.gz'",
                "INSERT INTO ingest_files (path, size_bytes, status, reason, landed_at, inode, modified_ns, changed_ns)"
                " VALUES ('b.gz', 1, 'rejected', 'x', now(), 1, 1, 1)",
            ),
            {("file_missing", None, None)},
        ),
        (LAST_BATCH, {("file_missing", 10, None), ("batch_missing", None, 6)}),
    ],
)
def test_rows_that_the_ledger_lost_are_noticed(
    statements: tuple[str, ...],
    named: set[tuple[str, int | None, int | None]],
    database: Database,
    books: LedgerBooks,
) -> None:
    counted(books, database.writer_url)
    for change in statements:
        run_sql(database.owner_url, change)
    assert {(o.rule, o.file_id, o.batch_id) for o in audit(database).offences} == named


def test_the_last_batch_is_still_missing_after_the_next_one_took_its_number(
    database: Database, books: LedgerBooks
) -> None:
    counted(books, database.writer_url)
    for change in LAST_BATCH:
        run_sql(database.owner_url, change)
    last = books.add_file("next.csv", expected=1, chunks=1)
    run_sql(database.writer_url, statement("intake.count_registered"), {"file_ids": [last]})
    run_sql(
        database.writer_url,
        statement("commit.count_committed"),
        {"batch_id": books.commit(Part(last, inserted=1))},
    )
    assert {offence.rule for offence in audit(database).offences} == {"file_missing", "batch_missing"}


def test_a_batch_in_the_middle_with_all_of_its_rows_is_missed_by_the_chain(
    database: Database, books: LedgerBooks
) -> None:
    for change in (
        "DELETE FROM events WHERE batch_id = 4",
        "DELETE FROM ingest_files WHERE file_id = 5",
        "DELETE FROM ingest_batches WHERE batch_id = 4",
    ):
        run_sql(database.owner_url, change)
    assert {("batch_gap", 5), ("batch_total", 5)} <= {(o.rule, o.batch_id) for o in audit(database).offences}


def test_the_first_batches_with_all_of_their_rows_are_missed(database: Database) -> None:
    books = LedgerBooks(database.owner_url)
    one, two = (books.add_file(name, expected=1, chunks=1) for name in ("one.csv", "two.csv"))
    books.commit(Part(one, inserted=1))
    books.commit(Part(two, inserted=1))
    for change in (
        "DELETE FROM events WHERE batch_id = 1",
        f"DELETE FROM ingest_files WHERE file_id = {one}",
        "DELETE FROM ingest_batches WHERE batch_id = 1",
        "UPDATE ingest_batches SET total_rows_read = 1, total_rows_inserted = 1",
    ):
        run_sql(database.owner_url, change)
    assert [(o.rule, o.batch_id) for o in audit(database).offences] == [("batch_gap", 2)]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE summary_state SET through_batch_id = 6 WHERE summary = 'sessions'",
        "UPDATE maintenance_state SET ids_through_batch_id = 6",
    ],
)
def test_a_batch_that_others_took_in_is_missed_though_nothing_was_counted(
    statement: str, database: Database, books: LedgerBooks
) -> None:
    run_sql(database.owner_url, statement)
    assert [(o.rule, o.batch_id) for o in audit(database).offences] == [("batch_missing", 6)]


def test_a_database_of_an_older_version_that_keeps_no_count_is_audited(
    database: Database, books: LedgerBooks
) -> None:
    run_sql(database.owner_url, "DROP TABLE ledger_totals")
    assert audit(database).ok


def test_what_is_not_in_the_tables_is_said(database: Database, books: LedgerBooks) -> None:
    assert audit(database).unseen == Unseen(
        waiting_files=2, waiting_rows=8, refused_files=1, changed_files=1, changed_rows=2
    )


def test_a_key_on_one_column_too_many_is_no_key(database: Database, books: LedgerBooks) -> None:
    run_sql(database.owner_url, "ALTER TABLE events DROP CONSTRAINT events_event_id_event_time_key")
    run_sql(database.owner_url, "ALTER TABLE events ADD UNIQUE (event_id, event_time, line_no)")
    assert [offence.rule for offence in audit(database).offences] == ["event_key"]


def test_a_waiting_file_that_vanished_is_named(
    database: Database, books: LedgerBooks, tmp_path: Path
) -> None:
    (tmp_path / "there.csv").write_text("x")
    books.add_file("there.csv", expected=1, chunks=1, state=state_on_disk(tmp_path, "there.csv"))
    books.add_file("lost\n.csv", expected=1, chunks=1)
    result = audit(database, tmp_path)
    assert [(o.rule, o.path) for o in result.offences] == [
        ("file_vanished", "half.csv"),
        ("file_vanished", "waiting.csv"),
        ("file_vanished", "lost\n.csv"),
    ]
    assert "lost\\n.csv" in result.offences[2].message


def test_an_audit_while_the_stream_commits_sees_one_moment(
    database: Database, books: LedgerBooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    def commit_meanwhile(text: str) -> None:
        file_id = books.add_file(f"meanwhile {text}.csv", expected=2, chunks=1)
        books.commit(Part(file_id, inserted=2))

    connection = connect(database.reader_url, "tests", autocommit=True)
    result = verify(connection, None, commit_meanwhile)
    assert result.ok, result.offences
    assert result.batches == 5
    assert audit(database).batches == 7
    connection.close()


def test_all_offences_are_counted_though_few_are_kept(database: Database, books: LedgerBooks) -> None:
    run_sql(database.owner_url, "DELETE FROM rejected_events")
    result = audit(database, offences_kept=2)
    assert len(result.offences) == 2
    assert result.offence_count == 6  # three batches, three files


def test_the_recent_audit_looks_at_new_batches_and_the_files_that_they_completed(
    database: Database, books: LedgerBooks
) -> None:
    run_sql(
        database.owner_url,
        "UPDATE ingest_files SET committed_at = now() - interval '1 hour' WHERE file_id = 1",
    )
    run_sql(
        database.owner_url,
        "UPDATE ingest_batches SET committed_at = now() - interval '1 hour' WHERE batch_id = 1",
    )
    run_sql(database.owner_url, "DELETE FROM events WHERE file_id = 1 AND line_no = 2")
    result = audit(database, since=1)
    assert result.ok, result.offences
    assert result.batches == 4
    assert result.files >= 1
    assert result.counts.rows_read == 15
    run_sql(database.owner_url, "DELETE FROM events WHERE file_id = 2 AND line_no = 2")  # of batch 2
    named = {
        (offence.rule, offence.file_id, offence.batch_id) for offence in audit(database, since=1).offences
    }
    assert named == {("file_inserted", 2, None), ("batch_inserted", None, 2)}


def test_the_recent_audit_of_nothing_new_passes(database: Database, books: LedgerBooks) -> None:
    result = audit(database, since=5)
    assert result.ok
    assert result.batches == 0
