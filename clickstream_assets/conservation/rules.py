"""The rules of conservation: given the books of a file or a batch and what the tables hold, what is wrong.

Pure: one `Offence` for each broken rule, with the numbers.

Retention: a dropped partition leaves a file with fewer events than `rows_inserted` says. The rows that went with
it are in the ledger, by file and by batch (`rows_dropped`); what is missing beyond these is missing.
"""

from __future__ import annotations

from collections.abc import Iterator

from clickstream_assets.conservation.books import BatchBooks, FileBooks, Offence, TableTotals
from clickstream_assets.text import printable

FIRST_BATCH_ID = 1


def judge_file(books: FileBooks) -> Iterator[Offence]:
    """The rules that a file breaks, whatever its status."""
    if books.status is None:
        yield _file(
            books,
            "file_unknown",
            f"the ledger has no such file, but {books.events_stored} events and {books.rejects_stored} rejected"
            " rows carry its id",
            events=books.events_stored,
            rejects=books.rejects_stored,
        )
        return
    yield from _judge_sum(books)
    yield from _stored_rows(books)
    yield from _judge_queue(books)
    yield from _judge_status(books)


def _judge_sum(books: FileBooks) -> Iterator[Offence]:
    parts = books.rows_inserted + books.rows_duplicate + books.rows_rejected
    if books.rows_read != parts:
        yield _file(
            books,
            "file_sum",
            f"{books.rows_read} rows read, but {books.rows_inserted} inserted + {books.rows_duplicate} duplicate"
            f" + {books.rows_rejected} rejected = {parts}",
            rows_read=books.rows_read,
            accounted=parts,
        )
    if books.status == "committed" and books.rows_read != books.rows_expected:
        yield _file(
            books,
            "file_expected",
            f"intake counted {books.rows_expected} rows, but {books.rows_read} were read",
            rows_expected=books.rows_expected,
            rows_read=books.rows_read,
        )


def _stored_rows(books: FileBooks) -> Iterator[Offence]:
    if books.rows_inserted - books.rows_dropped != books.events_stored:
        yield _file(
            books,
            "file_inserted",
            f"{books.rows_inserted} rows inserted{_dropped(books)}, but {books.events_stored} events are stored",
            rows_inserted=books.rows_inserted,
            events=books.events_stored,
        )
    if books.rows_rejected != books.rejects_stored:
        yield _file(
            books,
            "file_rejected",
            f"{books.rows_rejected} rows rejected, but {books.rejects_stored} rejected rows are stored",
            rows_rejected=books.rows_rejected,
            rejects=books.rejects_stored,
        )


def _judge_queue(books: FileBooks) -> Iterator[Offence]:
    if books.chunks_open != books.chunks_stored:
        yield _file(
            books,
            "file_chunks",
            f"{books.chunks_open} chunks open, but {books.chunks_stored} are queued",
            chunks_open=books.chunks_open,
            chunks=books.chunks_stored,
        )
    if books.status == "registered" and not books.chunks_open:
        yield _file(books, "file_chunks", "waiting, but none of its chunks is queued: nothing would read it")
    if books.status == "registered" and books.rows_read + books.records_open != books.rows_expected:
        yield _file(
            books,
            "file_expected",
            f"{books.rows_read} rows read + {books.records_open} queued, but intake counted"
            f" {books.rows_expected}",
            rows_expected=books.rows_expected,
            rows_read=books.rows_read,
            records_open=books.records_open,
        )
    if books.status not in ("registered", None) and books.chunks_open:
        yield _file(
            books,
            "file_chunks",
            f"{books.status}, but {books.chunks_open} of its chunks are open",
            chunks_open=books.chunks_open,
        )


def _judge_status(books: FileBooks) -> Iterator[Offence]:
    if books.status == "committed" and not books.has_commit_time:
        yield _file(books, "file_status", "committed, but without a time of the commit")
    if books.status in ("rejected", "changed", "held", "dropped") and not books.reason:
        yield _file(books, "file_status", f"{books.status}, but without a reason")
    # A part may have been committed before the rest changed or could not be read; more than all of it was not.
    if books.status in ("rejected", "changed") and books.rows_read > books.rows_expected:
        yield _file(
            books,
            "file_status",
            f"{books.status}, but {books.rows_read} rows were read of {books.rows_expected} that intake counted",
            rows_read=books.rows_read,
            rows_expected=books.rows_expected,
        )
    if books.status in ("held", "dropped") and books.rows_read:
        text = f"{books.status}, but {books.rows_read} of its rows were read"
        yield _file(books, "file_status", text, rows_read=books.rows_read)
    if books.status == "duplicate":
        yield from _judge_duplicate(books)


def _judge_duplicate(books: FileBooks) -> Iterator[Offence]:
    if books.original_status != "committed":
        yield _file(
            books,
            "file_original",
            f"counted as a repetition of file {books.duplicate_of}, which is {books.original_status or 'unknown'}",
        )
    elif books.rows_duplicate != books.original_rows_read:
        yield _file(
            books,
            "file_original",
            f"{books.rows_duplicate} rows counted as duplicates, but file {books.duplicate_of}, which it repeats,"
            f" has {books.original_rows_read}",
            rows_duplicate=books.rows_duplicate,
            original_rows_read=books.original_rows_read or 0,
        )


def judge_batch(books: BatchBooks) -> Iterator[Offence]:
    """The rules that a batch breaks."""
    if not books.is_known:
        yield _batch(
            books,
            "batch_unknown",
            f"the ledger has no such batch, but {books.events_stored} events, {books.rejects_stored} rejected rows"
            f" and {books.conflicts_stored} conflicts carry its id",
            events=books.events_stored,
            rejects=books.rejects_stored,
            conflicts=books.conflicts_stored,
        )
        return
    parts = books.rows_inserted + books.rows_duplicate + books.rows_rejected
    if books.rows_read != parts:
        yield _batch(
            books,
            "batch_sum",
            f"{books.rows_read} rows read, but {parts} inserted, duplicate or rejected",
            rows_read=books.rows_read,
            accounted=parts,
        )
    for rule, what, counted, stored in (
        (
            "batch_inserted",
            f"events{_dropped(books)}",
            books.rows_inserted,
            books.events_stored + books.rows_dropped,
        ),
        ("batch_rejected", "rejected rows", books.rows_rejected, books.rejects_stored),
        ("batch_conflicts", "conflicts", books.rows_conflict, books.conflicts_stored),
    ):
        if counted != stored:
            message = f"{counted} {what} counted, but {stored} are stored"
            yield _batch(books, rule, message, counted=counted, stored=stored)
    yield from _judge_chain(books)


def _judge_chain(books: BatchBooks) -> Iterator[Offence]:
    """Ids without gaps, and running totals that go on from the batch before."""
    previous = books.previous_batch_id
    if previous is None and books.batch_id != FIRST_BATCH_ID:
        yield _batch(books, "batch_gap", "the batches before it are gone")
        return
    if previous is not None and books.batch_id != previous + 1:
        yield _batch(books, "batch_gap", f"the batch before it is {previous}", previous_batch_id=previous)
    for name, before, rows, total in (
        ("read", books.previous_total_read, books.rows_read, books.total_read),
        ("inserted", books.previous_total_inserted, books.rows_inserted, books.total_inserted),
        ("duplicate", books.previous_total_duplicate, books.rows_duplicate, books.total_duplicate),
        ("rejected", books.previous_total_rejected, books.rows_rejected, books.total_rejected),
    ):
        if before + rows != total:
            message = f"total of rows {name} was {before}, the batch has {rows}, but the new total is {total}"
            yield _batch(books, "batch_total", message, before=before, rows=rows, total=total)


def judge_table(totals: TableTotals) -> Iterator[Offence]:
    """Whether rows of the ledger itself are gone: those of refused files, or the newest batches with all of theirs."""
    one, many = ("file", "files") if totals.of_table == "ingest_files" else ("batch", "batches")
    if totals.rows_given is not None and totals.ids_given is not None:
        missing = totals.rows_given - totals.rows_stored
        ids_missing = totals.ids_given - totals.ids_stored
        if missing or ids_missing:
            which = f": {one} {ids_missing} is missing" if missing == 1 else ""
            yield Offence(
                f"{one}_missing",
                f"the ledger was given {totals.rows_given} {many}, but has {totals.rows_stored}"
                + (which or ", or others than those"),
                file_id=ids_missing if which and one == "file" else None,
                batch_id=ids_missing if which and one == "batch" else None,
                numbers={"given": totals.rows_given, "stored": totals.rows_stored},
            )
    if totals.last_id_read is not None and totals.last_id_read > (totals.last_id or 0):
        yield Offence(
            f"{one}_missing",
            f"the summaries or maintenance took in {one} {totals.last_id_read}, but the last one in the ledger is"
            f" {totals.last_id}",
            batch_id=totals.last_id_read,
            numbers={"last_id_read": totals.last_id_read, "last_id": totals.last_id or 0},
        )


def _dropped(books: FileBooks | BatchBooks) -> str:
    return f" ({books.rows_dropped} of them dropped by retention)" if books.rows_dropped else ""


def _file(books: FileBooks, rule: str, text: str, **numbers: int) -> Offence:
    name = f" ({printable(books.path)})" if books.path is not None else ""
    return Offence(rule, f"file {books.file_id}{name}: {text}", books.file_id, books.path, None, numbers)


def _batch(books: BatchBooks, rule: str, text: str, **numbers: int) -> Offence:
    return Offence(rule, f"batch {books.batch_id}: {text}", batch_id=books.batch_id, numbers=numbers)
