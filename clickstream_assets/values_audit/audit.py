"""The audit of values: every file that is still there, or a random sample, is read again and compared.

Files are taken in slices of about SLICE_ROWS rows, each in a read-only moment of its own: the audit may take hours,
and so long an open transaction would keep the database from tidying up. A committed file's rows do not change but by
retention, which is looked at in each slice. The stream may go on meanwhile.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from psycopg2.extensions import connection as Connection

from clickstream_assets.ledger.reads import snapshot
from clickstream_assets.second_reader.layout import LayoutError, same_columns, split_header
from clickstream_assets.second_reader.mapping import AuditMapping, parse_audit_mapping
from clickstream_assets.second_reader.outcomes import Record
from clickstream_assets.second_reader.reader import open_records
from clickstream_assets.second_reader.rows import RowReader
from clickstream_assets.second_reader.unpacking import AwayError, UnreadableError
from clickstream_assets.sql_files import statement
from clickstream_assets.values_audit.disk import LedgerFile, find
from clickstream_assets.values_audit.fetched_again import FetchedAgain
from clickstream_assets.values_audit.file_audit import FileAudit, StoredFiles, stored_files
from clickstream_assets.values_audit.findings import ValuesAudit, file_offence
from clickstream_assets.values_audit.stored import Span

SLICE_ROWS = 200_000
SLICE_FILES = 1_000
SAMPLE_SPREAD = 50  # a sample is taken from at least so many files, where there are so many
SAMPLE_FILES = 10_000  # tried at most, should most of them be gone
TOLD_EVERY_ROWS = 10_000

Progress = Callable[[str], None]


@dataclass(frozen=True)
class FilesToRead:
    """Where the files are, and what they were read by. `mapping`: files of which none is on record.

    `others`: the directory and the archive of each source besides the events directory. `fetched`: fetches the objects
    of sources in object stores once more.
    """

    events_dir: Path
    archive_dir: Path
    mapping: AuditMapping
    identical_rows: Literal["merge", "keep"] = "merge"
    others: Mapping[str, tuple[Path, Path]] = field(default_factory=dict)
    fetched: FetchedAgain | None = None


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
        self._mappings: dict[int, AuditMapping] = {}

    def measure(self) -> int:
        """How many rows there are."""
        ((has_mappings,),) = self._rows("values.has_mappings")
        if has_mappings:
            self._learn_mappings()
        ((rows,),) = self._rows("values.size")
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
            file_ids = [row[0] for row in self._rows("values.sample", files=SAMPLE_FILES)]
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
        ((floor,),) = self._rows("values.floor")
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
                if (records := self._open(file)) is not None:
                    self._compare(file, stored, records)
        return files[-1].file_id

    def _compare(self, file: LedgerFile, stored: StoredFiles, records: Iterator[Record]) -> None:
        """All of a file."""
        reader, audit = self._reader(file), FileAudit(file, stored, self.result)
        before = self.result.rows
        try:
            for record in records:
                audit.row(record, reader.read(record))
                if self.result.rows % TOLD_EVERY_ROWS == 0:
                    self._tell()
        except UnreadableError as error:
            self._cannot_read(file, error)
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
        if (records := self._open(file)) is None:
            return
        skipped = random.randrange(max(1, file.rows - wanted + 1))  # noqa: S311 (nobody has to be kept from guessing)
        reader = self._reader(file)
        try:
            for record in islice(records, skipped):
                if self._reading.identical_rows == "keep":
                    reader.read(record)  # it counts those that are identical
            chosen = list(islice(records, wanted))
        except UnreadableError as error:
            self._cannot_read(file, error)
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

    def _cannot_read(self, file: LedgerFile, error: UnreadableError) -> None:
        if isinstance(error, AwayError):
            self.result.cannot_compare(file, "away")
        else:
            self.result.add(file_offence(file, "file_unreadable", f"it was loaded, but now {error}"))

    def _open(self, file: LedgerFile) -> Iterator[Record] | None:
        """The records of a file, if it is still the one that was loaded."""
        found = find(file, *self._place(file))
        if found.finding == "gone" and self._reading.fetched is not None:
            found = self._reading.fetched.find(self._connection, file)
        if found.finding == "rewritten":
            text = "its bytes are not those that were loaded, although its inode, size and time are the same"
            self.result.add(file_offence(file, "file_rewritten", text))
        if found.finding != "same" or found.path is None:
            self.result.cannot_compare(file, found.finding)
            return None
        try:
            has_header = file.format == "csv" and not self._mapping(file).is_headerless(file.columns)
            start, records = open_records(
                found.path, file.compression, file.layout, file.header_bytes, has_header=has_header
            )
        except UnreadableError as error:
            self._cannot_read(file, error)
            return None
        if has_header and not same_columns(
            split_header(start.header, file.delimiter, file.escape), file.columns
        ):
            self.result.add(file_offence(file, "file_header", "its header is not the one in the ledger"))
            return None
        try:
            self._reader(file)
        except LayoutError as error:
            text = f"by the source mapping of now, which it is read by, it cannot be read: {error}"
            self.result.add(file_offence(file, "file_header", text))
            return None
        self.result.files += 1
        return records

    def _place(self, file: LedgerFile) -> tuple[Path, Path]:
        """The directory of its source, and that one's archive."""
        default = self._reading.events_dir, self._reading.archive_dir
        if not self._reading.others:
            return default
        ((source,),) = self._rows("values.source", file_id=file.file_id)
        return self._reading.others.get(source, default)

    def _reader(self, file: LedgerFile) -> RowReader:
        return RowReader(file.layout, self._mapping(file), self._reading.identical_rows, path=file.path)

    def _mapping(self, file: LedgerFile) -> AuditMapping:
        if file.mapping_id is None:
            return self._reading.mapping
        if file.mapping_id not in self._mappings:  # it was registered after the audit began
            self._learn_mappings()
        return self._mappings[file.mapping_id]

    def _learn_mappings(self) -> None:
        for mapping_id, text in self._rows("values.mappings"):
            if mapping_id not in self._mappings:
                self._mappings[mapping_id] = parse_audit_mapping(json.loads(text))

    def _files(self, after: int, most: int) -> Iterator[LedgerFile]:
        return map(LedgerFile.of_row, self._rows("values.files", after_file_id=after, files=most))

    def _rows(self, name: str, **parameters: Any) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement(name), parameters)
            return list(cursor.fetchall())

    def _tell(self) -> None:
        rows, expected = self.result.rows, self.result.rows_expected
        speed = rows / (time.monotonic() - self.started)
        self._progress(f"values of {rows:,} of about {expected:,} rows compared, {speed:,.0f} a second …")
