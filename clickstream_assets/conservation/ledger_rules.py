"""The rules of the ledger as a whole, and of the disk beside it: what is wrong. Pure: one `Offence` for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from clickstream_assets.conservation.books import Offence, TableTotals
from clickstream_assets.text import printable


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


def judge_key(is_valid: bool) -> Iterator[Offence]:
    """That no event is stored twice is left to the unique key."""
    if not is_valid:
        message = (
            "the unique key of events over (event_id, event_time) is missing or invalid: "
            "events may be stored twice until it is made again"
        )
        yield Offence("event_key", message)


def judge_totals(totals: Mapping[str, Any]) -> Iterator[Offence]:
    """The sums over all files against those over all batches and partitions."""
    for name in ("read", "inserted", "duplicate", "rejected", "dropped"):
        by_file, by_batch = totals[f"files_{name}"], totals[f"batches_{name}"]
        if by_file != by_batch:
            yield Offence(
                "totals",
                f"rows {name}: {by_file} by file, but {by_batch} by batch",
                numbers={"by_file": by_file, "by_batch": by_batch},
            )

    if totals["files_dropped"] != totals["partitions_dropped"]:
        yield Offence(
            "totals",
            f"rows dropped by retention: {totals['files_dropped']} by file, but {totals['partitions_dropped']}"
            " by partition",
            numbers={"by_file": totals["files_dropped"], "by_partition": totals["partitions_dropped"]},
        )


def line_twice(file_id: int, line_no: int, events: int, rejects: int) -> Offence:
    """A line of which more than one row is stored."""
    return Offence(
        "line_twice",
        f"file {file_id}: line {line_no} is stored {events} times as event and {rejects} times as reject",
        file_id,
        numbers={"line_no": line_no, "events": events, "rejects": rejects},
    )


def vanished(path: str) -> Offence:
    """A file that waits to be read and is gone."""
    return Offence(
        "file_vanished",
        f"file {printable(path)}: registered and not read yet, but no longer on disk as it was registered",
        path=path,
    )
