"""The rules of a batch: given its books, the totals of the one before and what the tables hold of it, what is wrong.

Pure: one `Offence` for each broken rule, with the numbers.
"""

from __future__ import annotations

from collections.abc import Iterator

from clickstream_assets.conservation.books import BatchBooks, Offence, dropped_text

FIRST_BATCH_ID = 1


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
            f"events{dropped_text(books)}",
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


def _batch(books: BatchBooks, rule: str, text: str, **numbers: int) -> Offence:
    return Offence(rule, f"batch {books.batch_id}: {text}", batch_id=books.batch_id, numbers=numbers)
