"""The books of a micro-batch: what it must not commit, and what it tells the ledger."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest

from spark.handover.parts import Part, RowsLost
from spark.sink.books import Batch, Books, Chunk, Outcome

CHUNKS = (Chunk(seq=5, file_id=1, records=3), Chunk(seq=6, file_id=1, records=2), Chunk(7, 2, 4))
BATCH = Batch("query", 9, 2, "copy", 4, 7, CHUNKS, datetime(2024, 5, 1, tzinfo=UTC))
BEFORE = {"rows_read": 100, "rows_inserted": 80, "rows_duplicate": 15, "rows_rejected": 5}


def books(*parts: Part, duplicates: dict[int, int] | None = None) -> Books:
    found = Books(BATCH, duplicates=Counter(duplicates or {}))
    for part in parts:
        found.add(part)
    return found


def part(events: dict[int, int], rejects: dict[int, int] | None = None, **others: object) -> Part:
    return Part(0, "token", 1, events=events, rejects=rejects or {}, **others)  # type: ignore[arg-type]


def test_events_and_rejects_of_all_parts_make_up_the_records_of_a_file() -> None:
    books(part({1: 3}), part({1: 1, 2: 4}, {1: 1})).check()


@pytest.mark.parametrize(
    ("events", "file_id", "rows"), [({1: 4, 2: 4}, 1, 4), ({1: 5, 2: 5}, 2, 5), ({1: 5}, 2, 0)]
)
def test_a_file_with_fewer_or_more_rows_than_records_stops_the_batch(
    events: dict[int, int], file_id: int, rows: int
) -> None:
    with pytest.raises(
        RowsLost, match=rf"^File {file_id}: intake counted \d records, the batch has {rows} rows\.$"
    ):
        books(part(events)).check()


def test_a_file_that_changed_is_not_counted() -> None:
    found = Books(BATCH, void_files={2: "chunk_changed"})
    found.add(part({1: 5, 2: 3}, {2: 1}))
    found.check()
    assert found.rejects.total() == 0
    assert found.by_file()["file_ids"] == [1]


def test_the_ledger_gets_the_sums_and_the_totals_with_them() -> None:
    found = books(
        part({1: 4}, {1: 1}, min_event_us=5_000_000, max_event_us=7_000_000),
        part({2: 4}, min_event_us=1_000_000, max_event_us=2_000_000),
        duplicates={2: 3},
    )
    outcome = Outcome(batch_id=12)
    found.close(outcome)
    row = found.ledger_row(outcome, BEFORE, parse_seconds=0.5)
    assert (row["rows_read"], row["rows_inserted"]) == (9, 5)
    assert (row["rows_duplicate"], row["rows_rejected"]) == (3, 1)
    assert (row["total_rows_read"], row["total_rows_inserted"]) == (109, 85)
    assert (row["total_rows_duplicate"], row["total_rows_rejected"]) == (18, 6)
    assert (row["first_seq"], row["last_seq"], row["files"]) == (5, 7, 2)
    assert row["min_event_time"] == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert row["max_event_time"] == datetime(1970, 1, 1, 0, 0, 7, tzinfo=UTC)
    assert found.by_file() == {
        "file_ids": [1, 2],
        "read": [5, 4],
        "inserted": [4, 1],
        "duplicate": [0, 3],
        "rejected": [1, 0],
        "chunks": [2, 1],
    }
