"""The rules of a file: given its books and what the tables hold of it, what is wrong.

Pure: one `Offence` for each broken rule, with the numbers.

Retention: a dropped partition leaves a file with fewer events than `rows_inserted` says. The rows that went with
it are in the ledger, by file and by batch (`rows_dropped`); what is missing beyond these is missing.
"""

from __future__ import annotations

from collections.abc import Iterator

from clickstream_assets.conservation.books import FileBooks, Offence, dropped_text
from clickstream_assets.text import printable


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
            f"{books.rows_inserted} rows inserted{dropped_text(books)}, but {books.events_stored} events are stored",
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


def _file(books: FileBooks, rule: str, text: str, **numbers: int) -> Offence:
    name = f" ({printable(books.path)})" if books.path is not None else ""
    return Offence(rule, f"file {books.file_id}{name}: {text}", books.file_id, books.path, None, numbers)
