"""What an audit looks at and what it finds: the books of a file, of a batch, of the ledger, and an offence.

Each shape has the columns that the statements in `sql/queries/verify.sql` give.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass


@dataclass(frozen=True)
class Offence:
    """One broken rule. `rule` is a stable code; `numbers` are those of `message`. Of a value that differs from the
    file's: the line, the field, and the value there and here, both cut."""

    rule: str
    message: str
    file_id: int | None = None
    path: str | None = None
    batch_id: int | None = None
    numbers: dict[str, int] = dataclasses.field(default_factory=dict)
    line_no: int | None = None
    field: str | None = None
    stored: str | None = None
    in_file: str | None = None


@dataclass(frozen=True)
class FileBooks:
    """A row of `ingest_files`, and what is stored with its id. `status` is None where the ledger has no row."""

    file_id: int
    path: str | None
    status: str | None
    reason: str | None
    has_commit_time: bool
    rows_expected: int
    rows_read: int
    rows_inserted: int
    rows_duplicate: int
    rows_rejected: int
    rows_dropped: int  # of the inserted: gone with their partition, by retention
    chunks_open: int
    duplicate_of: int | None
    original_status: str | None
    original_rows_read: int | None
    events_stored: int
    rejects_stored: int
    chunks_stored: int
    records_open: int  # in the chunks that are not committed yet


@dataclass(frozen=True)
class BatchBooks:
    """A row of `ingest_batches`, what is stored with its id, and the running totals of the batch before."""

    batch_id: int
    is_known: bool
    rows_read: int
    rows_inserted: int
    rows_duplicate: int
    rows_rejected: int
    rows_conflict: int
    rows_dropped: int
    total_read: int
    total_inserted: int
    total_duplicate: int
    total_rejected: int
    previous_batch_id: int | None
    previous_total_read: int
    previous_total_inserted: int
    previous_total_duplicate: int
    previous_total_rejected: int
    events_stored: int
    rejects_stored: int
    conflicts_stored: int


@dataclass(frozen=True)
class TableTotals:
    """A table of the ledger: what it was ever given by its writers' count (None: not counted yet), what it holds, and,
    of the batches, how far those who read them have come."""

    of_table: str
    rows_given: int | None
    ids_given: int | None  # the sum of the ids
    rows_stored: int
    ids_stored: int
    last_id: int | None = None
    last_id_read: int | None = None


@dataclass(frozen=True)
class Unseen:
    """What is not in the tables, so that no audit of them sees it."""

    waiting_files: int = 0
    waiting_rows: int = 0
    refused_files: int = 0
    held_files: int = 0
    held_rows: int = 0
    changed_files: int = 0
    changed_rows: int = 0


def dropped_text(books: FileBooks | BatchBooks) -> str:
    return f" ({books.rows_dropped} of them dropped by retention)" if books.rows_dropped else ""
