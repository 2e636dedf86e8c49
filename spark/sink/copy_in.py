"""COPY of a sheet of rows straight into `events`, under a savepoint; what may be a duplicate waits in `suspects`.

The unique key is the judge: where it finds a duplicate that was taken for new, or PostgreSQL refuses a row for another
reason, the sheet is taken back and goes through `suspects` as a whole.
"""

from __future__ import annotations

import logging

import numpy as np
import numpy.typing as npt
import psycopg2
import pyarrow as pa
from psycopg2.extensions import cursor as Cursor

from spark.sink.copy import copy_rows
from spark.sink.known_keys import KnownKeys
from spark.sink.refusals import is_about_a_row

EVENTS, SUSPECTS = ("events",), ("pg_temp", "suspects")
FILE_ID_AT = (
    2 + (4 + 16) + (4 + 8) + 4
)  # in an encoded event: after the count of fields, event_id and event_time

log = logging.getLogger("clickstream.sink")


def file_ids(rows: pa.BinaryArray) -> npt.NDArray[np.int64]:
    """The files that encoded events are from."""
    _, offsets, data = rows.buffers()
    starts = np.frombuffer(offsets, np.int32)[rows.offset : rows.offset + len(rows)].astype(np.int64)
    places = starts[:, None] + np.arange(FILE_ID_AT, FILE_ID_AT + 8)
    found: npt.NDArray[np.int64] = (
        np.frombuffer(data, np.uint8)[places].view(">i8")[:, 0].astype(np.int64) if len(rows) else starts
    )
    return found


def copy_sheet(cursor: Cursor, sheet: pa.RecordBatch, known: KnownKeys, void_files: frozenset[int]) -> int:
    """Store the rows of a sheet (`spool.EVENTS`) but those of `void_files`; returns how many of them wait in
    `suspects`."""
    rows = sheet["row"]
    keys, times = sheet["key"].to_numpy(), sheet["time"].to_numpy()
    doubtful = sheet["repeat"].to_numpy(zero_copy_only=False) | known.seen_before(keys, times)
    if void_files:
        good = ~np.isin(file_ids(rows), list(void_files))
        rows, doubtful = rows.filter(pa.array(good)), doubtful[good]
    if not doubtful.any():
        new, suspects = rows, rows[:0]
    else:
        new, suspects = rows.filter(pa.array(~doubtful)), rows.filter(pa.array(doubtful))
    if len(new) and not _copied(cursor, new):
        new, suspects = rows[:0], rows
    if len(suspects):
        copy_rows(cursor, "copy_events", SUSPECTS, suspects)
    return len(suspects)


def _copied(cursor: Cursor, rows: pa.BinaryArray) -> bool:
    cursor.execute("SAVEPOINT sheet")
    try:
        if copy_rows(cursor, "copy_events", EVENTS, rows) == len(rows):
            cursor.execute("RELEASE SAVEPOINT sheet")
            return True
        log.info("a trigger kept rows out of events: looking which")
    except psycopg2.Error as error:
        if not is_about_a_row(error):
            raise
        log.info("%d rows go through staging: %s", len(rows), error.diag.message_primary)
    cursor.execute("ROLLBACK TO SAVEPOINT sheet")
    return False
