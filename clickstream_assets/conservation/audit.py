"""The audit of conservation: the ledger against the tables, file by file and batch by batch.

What is read is in `reading`, the rules are in `file_rules`, `batch_rules` and `ledger_rules`. Nothing is repaired.

Everything is read in one REPEATABLE READ transaction, so the stream may go on meanwhile. Files are taken in
slices of about `SLICE_ROWS` stored rows: the block-range index of `events` finds their rows, memory and temporary
space stay bounded, and progress can be told. That no event is stored twice is left to the unique key, after
asking whether it is valid; counting 50 million keys again would prove no more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime

from psycopg2.extensions import connection as Connection

from clickstream_assets.conservation.batch_rules import judge_batch
from clickstream_assets.conservation.books import BatchBooks, FileBooks, TableTotals, Unseen
from clickstream_assets.conservation.file_rules import judge_file
from clickstream_assets.conservation.ledger_rules import (
    judge_key,
    judge_table,
    judge_totals,
    line_twice,
    vanished,
)
from clickstream_assets.conservation.outcome import OFFENCES_KEPT, Audit, Offences
from clickstream_assets.conservation.reading import FIRST_ID, all_rows, one_row, slices_of_files
from clickstream_assets.file_names import EventsDirectory
from clickstream_assets.ledger.facts import Counts
from clickstream_assets.ledger.reads import snapshot
from clickstream_assets.ledger.waiting_files import read_waiting_files
from clickstream_assets.ledger.waiting_watch import WaitingWatch
from clickstream_assets.sql_files import statement

SLICE_ROWS = 2_000_000  # stored rows looked at together

Progress = Callable[[str], None]


def verify(
    connection: Connection,
    events: EventsDirectory | None,
    progress: Progress = lambda _: None,
    others: Sequence[EventsDirectory] = (),
    *,
    slice_rows: int = SLICE_ROWS,
    offences_kept: int = OFFENCES_KEPT,
) -> Audit:
    """Audit the whole history, and the registered files against the events directory (None: leave the disk out) and
    the directories of other sources.

    The connection must be outside a transaction; the reader's rights are enough.
    """
    started = time.monotonic()
    offences = Offences(offences_kept)
    watch = None if events is None else WaitingWatch(events)
    if watch is not None:
        watch.look(new_seconds=float("inf"))
    with snapshot(connection):
        taken_at = _verify_event_key(connection, offences)
        progress("batches against the tables …")
        _verify_batches(connection, FIRST_ID, offences)
        slices = slices_of_files(connection, slice_rows)
        for number, (first, last) in enumerate(slices, 1):
            progress(f"files against the tables, part {number} of {len(slices)} …")
            _verify_files(connection, first, last, offences)
        totals = one_row(connection, statement("verify.totals"))
        offences.add(*judge_totals(totals))
        _verify_ledger(connection, offences)
        unseen = Unseen(**one_row(connection, statement("verify.unseen")))
        if watch is not None:
            for path in watch.compare(connection, examples=offences_kept).vanished_paths:
                offences.add(vanished(path))
        for directory in others:
            for path in read_waiting_files(connection, directory).vanished_paths:
                offences.add(vanished(f"{directory.source}: {path}"))
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
    offences = Offences()
    files = 0
    with snapshot(connection):
        taken_at = _verify_event_key(connection, offences)
        batches, counts = _verify_batches(connection, since_batch, offences)
        bounds = one_row(connection, statement("verify.recent_files"), after_batch_id=since_batch)
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


def _verify_event_key(connection: Connection, offences: Offences) -> datetime:
    """Judge the unique key; returns the moment of the snapshot."""
    with connection.cursor() as cursor:
        # Before the snapshot is taken, or a partition dropped in between would be missing from the older books.
        cursor.execute(statement("verify.keep_partitions"))
    key = one_row(connection, statement("verify.event_key"))
    offences.add(*judge_key(key["is_valid"]))
    taken_at: datetime = key["taken_at"]
    return taken_at


def _verify_batches(connection: Connection, after: int, offences: Offences) -> tuple[int, Counts]:
    batches = read = inserted = duplicate = rejected = 0
    for row in all_rows(connection, statement("verify.batches"), after_batch_id=after):
        books = BatchBooks(**row)
        batches += books.is_known
        read += books.rows_read
        inserted += books.rows_inserted
        duplicate += books.rows_duplicate
        rejected += books.rows_rejected
        offences.add(*judge_batch(books))
    return batches, Counts(read, inserted, duplicate, rejected)


def _verify_files(connection: Connection, first: int, last: int, offences: Offences) -> int:
    bounds = {"first_file_id": first, "last_file_id": last}
    files = 0
    for row in all_rows(connection, statement("verify.files"), **bounds):
        books = FileBooks(**row)
        files += books.status is not None
        offences.add(*judge_file(books))
    for row in all_rows(connection, statement("verify.lines"), **bounds, limit=offences.most):
        offences.add(line_twice(**row))
    return files


def _verify_ledger(connection: Connection, offences: Offences) -> None:
    if not one_row(connection, statement("verify.ledger_counted"))["is_counted"]:
        return  # set up by an older version
    for row in all_rows(connection, statement("verify.ledger")):
        # Sums of ids are numeric: they may exceed 64 bits.
        sums = {name: None if row[name] is None else int(row[name]) for name in ("ids_given", "ids_stored")}
        offences.add(*judge_table(TableTotals(**(row | sums))))
