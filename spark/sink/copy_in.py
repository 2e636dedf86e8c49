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
from spark.sink.known_keys import KnownKeys
from spark.sink.refusals import is_about_a_row

EVENTS, REJECTS, SUSPECTS = ("events",), ("rejected_events",), ("pg_temp", "suspects")

log = logging.getLogger("clickstream.sink")


def copy_sheet(
    cursor: Cursor,
    sheet: pa.RecordBatch,
    known: KnownKeys,
    void_files: frozenset[int],
    batch_id: int | None,
) -> int:
    """Store the rows of a sheet (`spool.EVENTS`) but those of `void_files`; returns how many wait in `suspects`.

    `batch_id` is that of the micro-batch, where the rows carry another one.
    """
    rows = sheet["row"] if batch_id is None else of_batch(sheet["row"], batch_id)
    keys, times = sheet["key"].to_numpy(), sheet["time"].to_numpy()
    doubtful = sheet["repeat"].to_numpy(zero_copy_only=False) | known.seen_before(keys, times)
    if void_files:
        good = ~np.isin(event_file_ids(rows), list(void_files))
        rows, doubtful = rows.filter(pa.array(good)), doubtful[good]
    if not doubtful.any():
        new, suspects = rows, rows[:0]
    else:
        new, suspects = rows.filter(pa.array(~doubtful)), rows.filter(pa.array(doubtful))
    if len(new) and not _copied(cursor, new):
        new, suspects = rows[:0], rows
    if len(suspects):
        copy_rows(cursor, SUSPECTS, EVENT_COLUMNS, suspects)
    return len(suspects)


def copy_rejects(
    cursor: Cursor, rows: pa.BinaryArray, void_files: frozenset[int], batch_id: int | None
) -> None:
    """Store encoded rejects but those of `void_files`; `batch_id` as in `copy_sheet`."""
    if void_files:
        rows = rows.filter(pa.array(~np.isin(reject_file_ids(rows), list(void_files))))
    if batch_id is not None:
        rows = of_batch(rows, batch_id)
    copy_rows(cursor, REJECTS, REJECT_COLUMNS, rows)


def _copied(cursor: Cursor, rows: pa.BinaryArray) -> bool:
    cursor.execute(statement("savepoint.set"))
    try:
        if copy_rows(cursor, EVENTS, EVENT_COLUMNS, rows) == len(rows):
            cursor.execute(statement("savepoint.release"))
            return True
        log.info("a trigger kept rows out of events: looking which")
    except psycopg2.Error as error:
        if not is_about_a_row(error):
            raise
        log.info("%d rows go through staging: %s", len(rows), error.diag.message_primary)
    cursor.execute(statement("savepoint.undo"))
    return False
