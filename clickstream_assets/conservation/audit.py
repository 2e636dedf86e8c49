"""The audit of conservation: the ledger against the tables, file by file and batch by batch.

It reads the books and the stored rows. The rules are in `rules`. Nothing is repaired.

Everything is read in one REPEATABLE READ transaction, so the stream may go on meanwhile. Files are taken in
slices of about `SLICE_ROWS` stored rows: the block-range index of `events` finds their rows, memory and temporary
space stay bounded, and progress can be told. That no event is stored twice is left to the unique key, after
asking whether it is valid; counting 50 million keys again would prove no more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg2.extensions import connection as Connection
from psycopg2.extras import RealDictCursor

from clickstream_assets.conservation.books import BatchBooks, FileBooks, Offence, TableTotals, Unseen
from clickstream_assets.conservation.rules import judge_batch, judge_file, judge_table
from clickstream_assets.file_names import EventsDirectory
from clickstream_assets.ledger.facts import Counts
from clickstream_assets.ledger.reads import snapshot
from clickstream_assets.ledger.waiting_files import read_waiting_files
from clickstream_assets.ledger.waiting_watch import WaitingWatch
from clickstream_assets.sql_files import statement
from clickstream_assets.text import printable

SLICE_ROWS = 2_000_000  # stored rows looked at together
MOST_SLICES = 16  # should the block-range index be behind, each slice reads the whole table
OFFENCES_KEPT = 1_000  # named; all are counted
FIRST_ID, LAST_ID = -(2**63), 2**63 - 1

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Audit:
    """The outcome. `offences` are at most OFFENCES_KEPT, `offence_count` is all of them."""

    files: int
    batches: int
    counts: Counts  # by the ledger; files delivered again included
    offences: tuple[Offence, ...]
    offence_count: int
    seconds: float
    taken_at: datetime
    rows_dropped: int = 0  # of the inserted: dropped from events by retention …
    events_from: datetime | None = None  # … which keeps those from here on
    unseen: Unseen = field(default_factory=Unseen)

    @property
    def ok(self) -> bool:
        return not self.offence_count


class _Offences:
    def __init__(self) -> None:
        self.kept: list[Offence] = []
        self.count = 0

    def add(self, offence: Offence) -> None:
        self.count += 1
        if len(self.kept) < OFFENCES_KEPT:
            self.kept.append(offence)


def verify(
    connection: Connection,
    events: EventsDirectory | None,
    progress: Progress = lambda _: None,
    others: Sequence[EventsDirectory] = (),
) -> Audit:
    """Audit the whole history, and the registered files against the events directory (None: leave the disk out) and
    the directories of other sources.

    The connection must be outside a transaction; the reader's rights are enough.
    """
    started = time.monotonic()
    offences = _Offences()
    watch = None if events is None else WaitingWatch(events)
    if watch is not None:
        watch.look(new_seconds=float("inf"))
    with snapshot(connection):
        taken_at = _verify_event_key(connection, offences)
        progress("batches against the tables …")
        _verify_batches(connection, FIRST_ID, offences)
        slices = _slices(connection)
        for number, (first, last) in enumerate(slices, 1):
            progress(f"files against the tables, part {number} of {len(slices)} …")
            _verify_files(connection, first, last, offences)
        totals = _one(connection, statement("verify.totals"))
        _verify_totals(totals, offences)
        _verify_ledger(connection, offences)
        unseen = Unseen(**_one(connection, statement("verify.unseen")))
        if watch is not None:
            for path in watch.compare(connection, examples=OFFENCES_KEPT).vanished_paths:
                offences.add(_vanished(path))
        for directory in others:
            for path in read_waiting_files(connection, directory).vanished_paths:
                offences.add(_vanished(f"{directory.source}: {path}"))
    return Audit(
        files=totals["files"],
        batches=totals["batches"],
        counts=Counts(
            rows_read=totals["batches_read"] + totals["duplicate_file_rows"],
            rows_inserted=totals["batches_inserted"],
            rows_duplicate=totals["batches_duplicate"] + totals["duplicate_file_rows"],
            rows_rejected=totals["batches_rejected"],
        ),
        offences=tuple(offences.kept),
        offence_count=offences.count,
        seconds=time.monotonic() - started,
        taken_at=taken_at,
        rows_dropped=totals["partitions_dropped"],
        events_from=totals["events_from"],
        unseen=unseen,
    )


def verify_recent(connection: Connection, since_batch: int) -> Audit:
    """Audit the batches after `since_batch` and the files that they completed: for a check that runs often.

    Costs what these batches cost, whatever the history: the rows are found by the block-range index. The counts
    are those of the batches looked at. The connection must be outside a transaction.
    """
    started = time.monotonic()
    offences = _Offences()
    files = 0
    with snapshot(connection):
        taken_at = _verify_event_key(connection, offences)
        batches, counts = _verify_batches(connection, since_batch, offences)
        bounds = _one(connection, statement("verify.recent_files"), after_batch_id=since_batch)
        if bounds["first_file_id"] is not None:
            files = _verify_files(connection, bounds["first_file_id"], bounds["last_file_id"], offences)
    return Audit(
        files=files,
        batches=batches,
        counts=counts,
        offences=tuple(offences.kept),
        offence_count=offences.count,
        seconds=time.monotonic() - started,
        taken_at=taken_at,
    )


def _verify_event_key(connection: Connection, offences: _Offences) -> datetime:
    """Judge the unique key; returns the moment of the snapshot."""
    with connection.cursor() as cursor:
        # Before the snapshot is taken, or a partition dropped in between would be missing from the older books.
        cursor.execute(statement("verify.keep_partitions"))
    key = _one(connection, statement("verify.event_key"))
    if not key["is_valid"]:
        message = (
            "the unique key of events over (event_id, event_time) is missing or invalid: "
            "events may be stored twice until it is made again"
        )
        offences.add(Offence("event_key", message))
    taken_at: datetime = key["taken_at"]
    return taken_at


def _verify_batches(connection: Connection, after: int, offences: _Offences) -> tuple[int, Counts]:
    batches = read = inserted = duplicate = rejected = 0
    for row in _stream(connection, statement("verify.batches"), after_batch_id=after):
        books = BatchBooks(**row)
        batches += books.is_known
        read += books.rows_read
        inserted += books.rows_inserted
        duplicate += books.rows_duplicate
        rejected += books.rows_rejected
        for offence in judge_batch(books):
            offences.add(offence)
    return batches, Counts(read, inserted, duplicate, rejected)


def _verify_files(connection: Connection, first: int, last: int, offences: _Offences) -> int:
    bounds = {"first_file_id": first, "last_file_id": last}
    files = 0
    for row in _stream(connection, statement("verify.files"), **bounds):
        books = FileBooks(**row)
        files += books.status is not None
        for offence in judge_file(books):
            offences.add(offence)
    for row in _stream(connection, statement("verify.lines"), **bounds, limit=OFFENCES_KEPT):
        offences.add(_line_twice(**row))
    return files


def _slices(connection: Connection) -> list[tuple[int, int]]:
    """Runs of file ids that together cover every possible id, those unknown to the ledger too."""
    totals = _one(connection, statement("verify.totals"))
    stored = totals["files_inserted"] + totals["files_rejected"]
    slice_rows = max(SLICE_ROWS, -(-stored // MOST_SLICES))
    ends = [
        row["last_file_id"] for row in _stream(connection, statement("verify.slices"), slice_rows=slice_rows)
    ]
    ends = [*ends[:-1], LAST_ID]
    return list(zip([FIRST_ID, *(end + 1 for end in ends[:-1])], ends, strict=True))


def _verify_totals(totals: dict[str, Any], offences: _Offences) -> None:
    for name in ("read", "inserted", "duplicate", "rejected", "dropped"):
        by_file, by_batch = totals[f"files_{name}"], totals[f"batches_{name}"]
        if by_file != by_batch:
            offences.add(
                Offence(
                    "totals",
                    f"rows {name}: {by_file} by file, but {by_batch} by batch",
                    numbers={"by_file": by_file, "by_batch": by_batch},
                )
            )

    if totals["files_dropped"] != totals["partitions_dropped"]:
        offences.add(
            Offence(
                "totals",
                f"rows dropped by retention: {totals['files_dropped']} by file, but {totals['partitions_dropped']}"
                " by partition",
                numbers={"by_file": totals["files_dropped"], "by_partition": totals["partitions_dropped"]},
            )
        )


def _verify_ledger(connection: Connection, offences: _Offences) -> None:
    if not _one(connection, statement("verify.ledger_counted"))["is_counted"]:
        return  # set up by an older version
    for row in _stream(connection, statement("verify.ledger")):
        # Sums of ids are numeric: they may exceed 64 bits.
        sums = {name: None if row[name] is None else int(row[name]) for name in ("ids_given", "ids_stored")}
        for offence in judge_table(TableTotals(**(row | sums))):
            offences.add(offence)


def _line_twice(file_id: int, line_no: int, events: int, rejects: int) -> Offence:
    return Offence(
        "line_twice",
        f"file {file_id}: line {line_no} is stored {events} times as event and {rejects} times as reject",
        file_id,
        numbers={"line_no": line_no, "events": events, "rejects": rejects},
    )


def _vanished(path: str) -> Offence:
    return Offence(
        "file_vanished",
        f"file {printable(path)}: registered and not read yet, but no longer on disk as it was registered",
        path=path,
    )


def _one(connection: Connection, statement: str, **parameters: Any) -> dict[str, Any]:
    with connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute(statement, parameters)
        row = cursor.fetchone()
    assert row is not None  # noqa: S101 (an aggregate)
    return dict(row)


def _stream(connection: Connection, statement: str, **parameters: Any) -> Iterator[dict[str, Any]]:
    """Rows from a cursor of the server: the history need not fit into memory."""
    with connection.cursor("verify", cursor_factory=RealDictCursor) as cursor:
        cursor.itersize = 5_000
        cursor.execute(statement, parameters)
        for row in cursor:
            yield dict(row)
