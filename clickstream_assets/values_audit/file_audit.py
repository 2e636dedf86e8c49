"""The comparison of one file: its records beside its stored rows, both in the order of the lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from psycopg2.extensions import connection as Connection

from clickstream_assets.second_reader.outcomes import Event, Record, Reject
from clickstream_assets.values_audit.compare import (
    Difference,
    belief,
    duplicate_differs,
    event_differs,
    reject_differs,
)
from clickstream_assets.values_audit.disk import LedgerFile
from clickstream_assets.values_audit.findings import ValuesAudit, foreign_offence, row_offence
from clickstream_assets.values_audit.stored import (
    LAST_LINE,
    Span,
    StoredEvent,
    StoredReject,
    StoredRows,
    stored_duplicates,
    stored_events,
    stored_rejects,
)

DUPLICATES_TOGETHER = 1_000  # looked up with one query


@dataclass(frozen=True)
class StoredFiles:
    """The stored rows of a span of files, from which each file takes its own."""

    connection: Connection
    events: StoredRows[StoredEvent]
    rejects: StoredRows[StoredReject]
    floor: int | None  # from there on retention has kept events


@contextmanager
def stored_files(connection: Connection, span: Span, floor: int | None) -> Iterator[StoredFiles]:
    """The stored rows of `span`, within a transaction."""
    with (
        closing(stored_events(connection, span)) as events,
        closing(stored_rejects(connection, span)) as rejects,
    ):
        yield StoredFiles(connection, StoredRows(events), StoredRows(rejects), floor)


class FileAudit:
    """One file: `row` for each record in order, then `end`."""

    def __init__(self, file: LedgerFile, stored: StoredFiles, result: ValuesAudit) -> None:
        self._file = file
        self._stored = stored
        self._result = result
        self._not_stored: list[Event] = []

    def row(self, record: Record, outcome: Event | Reject) -> None:
        """Compare a record, read as `outcome`, with what is stored of its line."""
        file_id, line_no = self._file.file_id, record.line_no
        self._foreign(line_no)
        event = self._stored.events.at(file_id, line_no)
        reject = self._stored.rejects.at(file_id, line_no)
        self._result.rows += 1
        if event is not None:
            self._result.events += 1
            self._event(record, outcome, event)
        if reject is not None:
            self._result.rejects += 1
            self._reject(record, outcome, reject)
        if event is None and reject is None:
            self._neither(record, outcome)

    def end(self, last_line: int = LAST_LINE) -> None:
        """What is stored behind the last record, up to `last_line`, and the duplicates."""
        self._foreign(last_line)
        self._look_up()

    def _event(self, record: Record, outcome: Event | Reject, stored: StoredEvent) -> None:
        if isinstance(outcome, Event):
            self._add(record.line_no, event_differs(outcome, stored))
        else:
            self._add(record.line_no, [Difference("row", "an event", f"a reject, {outcome.reason}")])

    def _reject(self, record: Record, outcome: Event | Reject, stored: StoredReject) -> None:
        floor = self._stored.floor
        self._add(record.line_no, reject_differs(outcome, record, stored, floor))
        if belief(outcome, stored, floor) == "believed":
            self._result.believed[stored.reason] += 1

    def _neither(self, record: Record, outcome: Event | Reject) -> None:
        if isinstance(outcome, Reject):
            self._add(record.line_no, [Difference("row", None, f"a reject, {outcome.reason}")])
        elif self._stored.floor is not None and outcome.event_time < self._stored.floor:
            self._result.rows_dropped += 1
        else:
            self._not_stored.append(outcome)
            if len(self._not_stored) >= DUPLICATES_TOGETHER:
                self._look_up()

    def _look_up(self) -> None:
        if not self._not_stored:
            return
        for event, found in stored_duplicates(self._stored.connection, self._file.file_id, self._not_stored):
            self._result.duplicates += 1
            if (difference := duplicate_differs(event, found)) is not None:
                self._add(event.line_no, [difference])
        self._not_stored = []

    def _foreign(self, line_no: int) -> None:
        for event in self._stored.events.before(self._file.file_id, line_no):
            self._add_foreign(event.file_id, event.line_no, "an event")
        for reject in self._stored.rejects.before(self._file.file_id, line_no):
            self._add_foreign(reject.file_id, reject.line_no, "a reject")

    def _add_foreign(self, file_id: int, line_no: int, kind: str) -> None:
        if file_id == self._file.file_id:  # those of files between are not compared here
            self._result.add(foreign_offence(self._file, line_no, kind))

    def _add(self, line_no: int, differences: Iterable[Difference]) -> None:
        for difference in differences:
            self._result.add(row_offence(self._file, line_no, difference))
