"""What a task does with its cleaned rows: sort, encode, and write them to the spool, some ten thousand at a time."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from spark.cleaning.cleaned import Cleaned
from spark.handover.encoding import encoded_events, encoded_rejects
from spark.handover.keys import halves, identity_keys, repeats
from spark.handover.parts import Part
from spark.handover.spool import EVENTS, REJECTS, Spool, SpoolFile

# Rows that are sorted together. In the order of their ids they cost PostgreSQL less, and the more at once the less.
SHEET_ROWS = 100_000
SHEET_BYTES = 64 * 1024 * 1024  # at most, in memory


class SpoolPartWriter:
    """Writes the rows of one part into a spool."""

    def __init__(self, spool: Spool, part: Part, batch_id: int) -> None:
        self.part = part
        self._batch_id = batch_id
        self._spool = spool
        self._events = SpoolFile(spool.path(part.index, part.token, "events"), EVENTS)
        self._rejects = SpoolFile(spool.path(part.index, part.token, "rejects"), REJECTS)
        self._waiting: list[pa.RecordBatch] = []
        # Of those that wait. Summed anew for each of thousands of tiny files, it took most of the time.
        self._rows = self._bytes = 0
        spool.directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def add(self, cleaned: Cleaned) -> None:
        """Take rows that follow on those before."""
        self.part.count(cleaned)
        if len(cleaned.rejects):
            self._rejects.write(encoded_rejects(cleaned.rejects, self._batch_id))
        if len(cleaned.events):
            self._waiting.append(cleaned.events)
            self._rows += len(cleaned.events)
            self._bytes += cleaned.events.nbytes
            if self._rows >= SHEET_ROWS or self._bytes >= SHEET_BYTES:
                self._flush()

    def finish(self) -> Part:
        """Write what is left, and report the part."""
        self._flush()
        self._events.close()
        self._rejects.close()
        self._spool.report(self.part)
        return self.part

    def _flush(self) -> None:
        if self._waiting:
            self._events.write(*sheet(self._waiting, self._batch_id))
            self._waiting, self._rows, self._bytes = [], 0, 0


def sheet(batches: list[pa.RecordBatch], batch_id: int) -> list[pa.Array]:
    """Events (`columns.EVENT_SCHEMA`) as the columns of `spool.EVENTS`, in the order of their ids."""
    events = (
        batches[0] if len(batches) == 1 else pa.Table.from_batches(batches).combine_chunks().to_batches()[0]
    )
    keys = identity_keys(events["event_id"], events["event_time"])
    again = repeats(keys)  # before they are sorted: of identical rows the first in the file stands
    order = np.argsort(halves(events["event_id"])[0], kind="stable")
    events = events.take(pa.array(order))
    return [
        encoded_events(events, batch_id),
        pa.array(keys[order]),
        events["event_time"].cast(pa.int64()),
        pa.array(again[order]),
    ]
