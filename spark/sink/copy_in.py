"""COPY of a sheet of rows straight into `events`, under a savepoint; what may be a duplicate waits in `suspects`.

The unique key is the judge: where it finds a duplicate that was taken for new, or PostgreSQL refuses a row for another
reason, the sheet is taken back and goes through `suspects` as a whole.
"""

from __future__ import annotations

import logging

import numpy as np
import psycopg2
import pyarrow as pa
from psycopg2.extensions import cursor as Cursor

from clickstream_assets.sql_files import statement
from spark.cleaning.columns import EVENT_COLUMNS, REJECT_COLUMNS
from spark.handover.copy import copy_rows
from spark.handover.encoding import event_file_ids, of_batch, reject_file_ids
from spark.sink.known_keys import KnownKeys, Mask
from spark.sink.refusals import is_about_a_row
from spark.sink.suspects import Suspects

EVENTS, REJECTS = ("events",), ("rejected_events",)

log = logging.getLogger("clickstream.sink")


def copy_sheet(
    cursor: Cursor,
    sheet: pa.RecordBatch,
    known: KnownKeys,
    suspects: Suspects,
    void_files: frozenset[int],
    batch_id: int | None,
) -> None:
    """Store the rows of a sheet (`spool.EVENTS`) but those of `void_files`; what may be a duplicate goes to `suspects`.

    `batch_id` is that of the micro-batch, where the rows carry another one.
    """
    rows = sheet["row"] if batch_id is None else of_batch(sheet["row"], batch_id)
    keys, times = sheet["key"].to_numpy(), sheet["time"].to_numpy()
    doubtful = sheet["repeat"].to_numpy(zero_copy_only=False) | known.seen_before(keys, times)
    if void_files:
        good = ~np.isin(event_file_ids(rows), list(void_files))
        rows, doubtful = rows.filter(pa.array(good)), doubtful[good]
    if not doubtful.all() and not _copied(cursor, rows, ~doubtful):
        suspects.add(rows)
    elif doubtful.any():
        suspects.add(rows.filter(pa.array(doubtful)))


def copy_rejects(
    cursor: Cursor, rows: pa.BinaryArray, void_files: frozenset[int], batch_id: int | None
) -> None:
    """Store encoded rejects but those of `void_files`; `batch_id` as in `copy_sheet`."""
    if void_files:
        rows = rows.filter(pa.array(~np.isin(reject_file_ids(rows), list(void_files))))
    if batch_id is not None:
        rows = of_batch(rows, batch_id)
    copy_rows(cursor, REJECTS, REJECT_COLUMNS, rows)


def _copied(cursor: Cursor, rows: pa.BinaryArray, new: Mask) -> bool:
    cursor.execute(statement("savepoint.set"))
    try:
        if copy_rows(cursor, EVENTS, EVENT_COLUMNS, rows, new) == np.count_nonzero(new):
            cursor.execute(statement("savepoint.release"))
            return True
        log.info("a trigger kept rows out of events: looking which")
    except psycopg2.Error as error:
        if not is_about_a_row(error):
            raise
        log.info("%d rows go through staging: %s", len(rows), error.diag.message_primary)
    cursor.execute(statement("savepoint.undo"))
    return False
