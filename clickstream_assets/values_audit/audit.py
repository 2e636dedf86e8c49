"""The audit of values: every file that is still there, or a random sample, is read again and compared.

Files are taken in slices of about SLICE_ROWS rows, each in a read-only moment of its own: the audit may take hours,
and so long an open transaction would keep the database from tidying up. A committed file's rows do not change but by
retention, which is looked at in each slice. The stream may go on meanwhile.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from itertools import islice

from psycopg2.extensions import connection as Connection

from clickstream_assets.ledger.reads import snapshot
from clickstream_assets.second_reader.outcomes import Record
from clickstream_assets.second_reader.unpacking import AwayError, UnreadableError
from clickstream_assets.sql_files import statement
from clickstream_assets.values_audit.disk import LedgerFile
from clickstream_assets.values_audit.file_audit import FileAudit, StoredFiles, stored_files
from clickstream_assets.values_audit.findings import ValuesAudit, file_offence
from clickstream_assets.values_audit.opening import FilesToRead, Opening, rows_of
from clickstream_assets.values_audit.stored import Span

SLICE_ROWS = 200_000
SLICE_FILES = 1_000
SAMPLE_SPREAD = 50  # a sample is taken from at least so many files, where there are so many
SAMPLE_FILES = 10_000  # tried at most, should most of them be gone
TOLD_EVERY_ROWS = 10_000

Progress = Callable[[str], None]


def audit_values(
    connection: Connection,
    reading: FilesToRead,
    sample: int | None = None,
    progress: Progress = lambda _: None,
) -> ValuesAudit:
    """Compare all files that are there or, with `sample`, about so many rows of files chosen at random.

    The connection must be outside a transaction; the reader's rights are enough.
    """
    audit = _Audit(connection, reading, progress)
    with snapshot(connection):
        rows = audit.measure()
    if sample is None or sample >= rows:
        audit.all_files()
    else:
        audit.some_rows(sample)
    audit.result.seconds = time.monotonic() - audit.started
    return audit.result


class _Audit:
    def __init__(self, connection: Connection, reading: FilesToRead, progress: Progress) -> None:
        self.started = time.monotonic()
        self.result = ValuesAudit()
        self._connection = connection
        self._reading = reading
        self._progress = progress
        self._opening = Opening(connection, reading, self.result)

    def measure(self) -> int:
        """How many rows there are."""
        ((has_mappings,),) = rows_of(self._connection, "values.has_mappings")
        if has_mappings:
            self._opening.learn_mappings()
        ((rows,),) = rows_of(self._connection, "values.size")
        self.result.rows_committed = self.result.rows_expected = rows
        return int(rows)

    def all_files(self) -> None:
        after: int | None = 0
        while after is not None:
            with snapshot(self._connection):
                floor = self._begin()
                after = self._slice(after, floor)

    def some_rows(self, wanted: int) -> None:
        self.result.rows_expected, self.result.is_sample = wanted, True
        with snapshot(self._connection):
            file_ids = [row[0] for row in rows_of(self._connection, "values.sample", files=SAMPLE_FILES)]
        for tried, file_id in enumerate(file_ids):
            if (left := wanted - self.result.rows) <= 0:
                return
            share = -(-left // min(SAMPLE_SPREAD, len(file_ids) - tried))
            with snapshot(self._connection):
                floor = self._begin()
                for file in self._files(file_id - 1, 1):
                    self._sample(file, share, floor)

    def _begin(self) -> int | None:
        """Before anything else of a transaction. Returns from where on retention has kept events."""
        with self._connection.cursor() as cursor:
            cursor.execute(statement("verify.keep_partitions"))
        ((floor,),) = rows_of(self._connection, "values.floor")
        return None if floor is None else int(floor)

    def _slice(self, after: int, floor: int | None) -> int | None:
        """Compare the next files; returns the last one's id, or None where there are no more."""
        files: list[LedgerFile] = []
        rows = 0
        for file in self._files(after, SLICE_FILES):
            if files and rows + file.rows > SLICE_ROWS:
                break
            files.append(file)
            rows += file.rows
        if not files:
            return None
        with stored_files(self._connection, Span(files[0].file_id, files[-1].file_id), floor) as stored:
            for file in files:
                if (records := self._opening.open(file)) is not None:
                    self._compare(file, stored, records)
        return files[-1].file_id

    def _compare(self, file: LedgerFile, stored: StoredFiles, records: Iterator[Record]) -> None:
        """All of a file."""
        reader, audit = self._opening.reader(file), FileAudit(file, stored, self.result)
        before = self.result.rows
        try:
            for record in records:
                audit.row(record, reader.read(record))
                if self.result.rows % TOLD_EVERY_ROWS == 0:
                    self._tell()
        except UnreadableError as error:
            self._opening.cannot_read(file, error)
            if isinstance(error, AwayError):
                self.result.rows = before
            return
        audit.end()
        found = self.result.rows - before
        if found != file.rows:
            text = f"{file.rows} rows were read of it, but it has {found}"
            self.result.add(file_offence(file, "file_rows", text, rows_read=file.rows, in_file=found))

    def _sample(self, file: LedgerFile, wanted: int, floor: int | None) -> None:
        """Some consecutive rows of a file, from a random place in it."""
        if (records := self._opening.open(file)) is None:
            return
        skipped = random.randrange(max(1, file.rows - wanted + 1))  # noqa: S311 (nobody has to be kept from guessing)
        reader = self._opening.reader(file)
        try:
            for record in islice(records, skipped):
                if self._reading.identical_rows == "keep":
                    reader.read(record)  # it counts those that are identical
            chosen = list(islice(records, wanted))
        except UnreadableError as error:
            self._opening.cannot_read(file, error)
            return
        if len(chosen) < min(wanted, file.rows):
            text = f"{file.rows} rows were read of it, but it has {skipped + len(chosen)} at most"
            self.result.add(file_offence(file, "file_rows", text, rows_read=file.rows))
        if not chosen:
            return
        last_line = chosen[-1].line_no
        span = Span(file.file_id, file.file_id, chosen[0].line_no, last_line)
        with stored_files(self._connection, span, floor) as stored:
            audit = FileAudit(file, stored, self.result)
            for record in chosen:
                audit.row(record, reader.read(record))
            audit.end()
        self._tell()

    def _files(self, after: int, most: int) -> Iterator[LedgerFile]:
        return map(
            LedgerFile.of_row, rows_of(self._connection, "values.files", after_file_id=after, files=most)
        )

    def _tell(self) -> None:
        rows, expected = self.result.rows, self.result.rows_expected
        speed = rows / (time.monotonic() - self.started)
        self._progress(f"values of {rows:,} of about {expected:,} rows compared, {speed:,.0f} a second …")
