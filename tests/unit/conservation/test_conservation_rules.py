"""The rules of conservation, each broken by one number: of a file, of a batch, of the ledger as a whole."""

from __future__ import annotations

from dataclasses import replace

import pytest

from clickstream_assets.conservation.batch_rules import judge_batch
from clickstream_assets.conservation.books import BatchBooks, FileBooks, TableTotals
from clickstream_assets.conservation.file_rules import judge_file
from clickstream_assets.conservation.ledger_rules import judge_key, judge_table, judge_totals
from clickstream_assets.conservation.outcome import Offences

FILE = FileBooks(
    file_id=1,
    path="a.csv",
    status="committed",
    reason=None,
    has_commit_time=True,
    rows_expected=10,
    rows_read=10,
    rows_inserted=7,
    rows_duplicate=2,
    rows_rejected=1,
    rows_dropped=0,
    chunks_open=0,
    duplicate_of=None,
    original_status=None,
    original_rows_read=None,
    events_stored=7,
    rejects_stored=1,
    chunks_stored=0,
    records_open=0,
)
HALF = replace(
    FILE,
    status="registered",
    has_commit_time=False,
    rows_expected=16,
    chunks_open=2,
    chunks_stored=2,
    records_open=6,
)
AGAIN = replace(
    FILE,
    rows_inserted=0,
    rows_duplicate=10,
    rows_rejected=0,
    events_stored=0,
    rejects_stored=0,
    status="duplicate",
    duplicate_of=4,
    original_status="committed",
    original_rows_read=10,
)
NOTHING = replace(
    FILE, rows_read=0, rows_inserted=0, rows_duplicate=0, rows_rejected=0, events_stored=0, rejects_stored=0
)


@pytest.mark.parametrize(
    "books",
    [
        FILE,
        HALF,
        AGAIN,
        replace(FILE, rows_dropped=3, events_stored=4),
        replace(FILE, status="changed", reason="chunk_changed", rows_expected=16),
        replace(NOTHING, status="held", reason="new_columns"),
        replace(NOTHING, status="rejected", reason="not_text"),
    ],
)
def test_books_that_are_right_break_no_rule(books: FileBooks) -> None:
    assert list(judge_file(books)) == []


@pytest.mark.parametrize(
    ("books", "rules"),
    [
        (replace(FILE, status=None), ["file_unknown"]),
        (replace(FILE, rows_duplicate=3), ["file_sum"]),
        (replace(FILE, rows_expected=11), ["file_expected"]),
        (replace(FILE, events_stored=8), ["file_inserted"]),
        (replace(FILE, rows_dropped=3), ["file_inserted"]),
        (replace(FILE, rejects_stored=0), ["file_rejected"]),
        (replace(FILE, has_commit_time=False), ["file_status"]),
        (replace(FILE, chunks_open=1, chunks_stored=1), ["file_chunks"]),
        (replace(HALF, chunks_stored=1), ["file_chunks"]),
        (replace(HALF, records_open=7), ["file_expected"]),
        (replace(HALF, chunks_open=0, chunks_stored=0, records_open=0, rows_expected=10), ["file_chunks"]),
        (replace(NOTHING, status="held"), ["file_status"]),
        (replace(FILE, status="held", reason="new_columns"), ["file_status"]),
        (replace(FILE, status="dropped", reason="by hand"), ["file_status"]),
        (replace(FILE, status="changed", reason="chunk_changed", rows_expected=9), ["file_status"]),
        (replace(AGAIN, original_status="held"), ["file_original"]),
        (replace(AGAIN, original_status=None), ["file_original"]),
        (replace(AGAIN, original_rows_read=9), ["file_original"]),
    ],
)
def test_books_of_a_file_that_are_wrong_break_the_rule_that_says_so(
    books: FileBooks, rules: list[str]
) -> None:
    found = list(judge_file(books))
    assert [offence.rule for offence in found] == rules
    assert all(offence.file_id == 1 and offence.message.startswith("file 1 (a.csv): ") for offence in found)


BATCH = BatchBooks(
    batch_id=3,
    is_known=True,
    rows_read=10,
    rows_inserted=7,
    rows_duplicate=2,
    rows_rejected=1,
    rows_conflict=1,
    rows_dropped=0,
    total_read=30,
    total_inserted=17,
    total_duplicate=12,
    total_rejected=1,
    previous_batch_id=2,
    previous_total_read=20,
    previous_total_inserted=10,
    previous_total_duplicate=10,
    previous_total_rejected=0,
    events_stored=7,
    rejects_stored=1,
    conflicts_stored=1,
)


@pytest.mark.parametrize(
    ("books", "rules"),
    [
        (BATCH, []),
        (replace(BATCH, rows_dropped=7, events_stored=0), []),
        (replace(BATCH, is_known=False), ["batch_unknown"]),
        (replace(BATCH, rows_read=11, total_read=31), ["batch_sum"]),
        (replace(BATCH, events_stored=6), ["batch_inserted"]),
        (replace(BATCH, rejects_stored=2), ["batch_rejected"]),
        (replace(BATCH, conflicts_stored=0), ["batch_conflicts"]),
        (replace(BATCH, previous_batch_id=1), ["batch_gap"]),
        (replace(BATCH, previous_batch_id=None), ["batch_gap"]),
        (replace(BATCH, total_inserted=18), ["batch_total"]),
    ],
)
def test_books_of_a_batch(books: BatchBooks, rules: list[str]) -> None:
    assert [offence.rule for offence in judge_batch(books)] == rules


def test_nothing_has_to_come_before_the_first_batch() -> None:
    first = replace(
        BATCH,
        batch_id=1,
        previous_batch_id=None,
        previous_total_read=0,
        previous_total_inserted=0,
        previous_total_duplicate=0,
        total_read=10,
        total_inserted=7,
        total_duplicate=2,
    )
    assert list(judge_batch(first)) == []


TOTALS = TableTotals(
    "ingest_batches", rows_given=3, ids_given=6, rows_stored=3, ids_stored=6, last_id=3, last_id_read=3
)


@pytest.mark.parametrize(
    ("totals", "missing"),
    [
        (TOTALS, []),
        (replace(TOTALS, rows_given=None, ids_given=None, rows_stored=2), []),  # nobody has counted
        (replace(TOTALS, rows_stored=2, ids_stored=4), [("batch_missing", None, 2)]),
        (replace(TOTALS, ids_stored=7), [("batch_missing", None, None)]),
        (replace(TOTALS, last_id=None), [("batch_missing", None, 3)]),
        (replace(TOTALS, of_table="ingest_files", rows_stored=2, ids_stored=5), [("file_missing", 1, None)]),
    ],
)
def test_rows_that_the_ledger_has_lost_are_named_where_one_alone_is(
    totals: TableTotals, missing: list[tuple[object, ...]]
) -> None:
    assert [(found.rule, found.file_id, found.batch_id) for found in judge_table(totals)] == missing


SUMS = {
    f"{of}_{name}": 5
    for of in ("files", "batches")
    for name in ("read", "inserted", "duplicate", "rejected", "dropped")
} | {"partitions_dropped": 5}


@pytest.mark.parametrize("key", ["files_read", "batches_rejected", "partitions_dropped"])
def test_sums_by_file_by_batch_and_by_partition_are_the_same(key: str) -> None:
    assert list(judge_totals(SUMS)) == []
    assert [found.rule for found in judge_totals(SUMS | {key: 6})] == ["totals"]


def test_events_could_be_stored_twice_without_their_key() -> None:
    assert list(judge_key(True)) == []
    assert [found.rule for found in judge_key(False)] == ["event_key"]


def test_of_many_offences_some_are_kept_and_all_are_counted() -> None:
    offences = Offences(most=3)
    found = list(judge_key(False))
    offences.add(*found, *found)
    offences.add(*found, *found)
    assert (len(offences.kept), offences.count) == (3, 4)
