"""Opening a file that was loaded: found where it is now, and only if it still is what was loaded."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from psycopg2.extensions import connection as Connection

from clickstream_assets.second_reader.layout import LayoutError, same_columns, split_header
from clickstream_assets.second_reader.mapping import AuditMapping, parse_audit_mapping
from clickstream_assets.second_reader.outcomes import Record
from clickstream_assets.second_reader.reader import open_records
from clickstream_assets.second_reader.rows import RowReader
from clickstream_assets.second_reader.unpacking import AwayError, UnreadableError
from clickstream_assets.sql_files import statement
from clickstream_assets.values_audit.disk import LedgerFile, find
from clickstream_assets.values_audit.fetched_again import FetchedAgain
from clickstream_assets.values_audit.findings import ValuesAudit, file_offence


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


class Opening:
    """Of files, one after the other. What is wrong with one of them goes into `result`."""

    def __init__(self, connection: Connection, reading: FilesToRead, result: ValuesAudit) -> None:
        self._connection = connection
        self._reading = reading
        self._result = result
        self._mappings: dict[int, AuditMapping] = {}

    def open(self, file: LedgerFile) -> Iterator[Record] | None:
        """The records of a file, if it is still the one that was loaded."""
        found = find(file, *self._place(file))
        if found.finding == "gone" and self._reading.fetched is not None:
            found = self._reading.fetched.find(self._connection, file)
        if found.finding == "rewritten":
            text = "its bytes are not those that were loaded, although its inode, size and time are the same"
            self._result.add(file_offence(file, "file_rewritten", text))
        if found.finding != "same" or found.path is None:
            self._result.cannot_compare(file, found.finding)
            return None
        try:
            mapping = self._mapping(file)
            has_header = file.format == "csv" and not mapping.is_headerless(file.columns)
            start, records = open_records(
                found.path,
                file.compression,
                file.layout,
                file.header_bytes,
                mapping=mapping,
                has_header=has_header,
            )
        except UnreadableError as error:
            self.cannot_read(file, error)
            return None
        if has_header and not same_columns(
            split_header(start.header, file.delimiter, file.escape), file.columns
        ):
            self._result.add(file_offence(file, "file_header", "its header is not the one in the ledger"))
            return None
        try:
            self.reader(file)
        except LayoutError as error:
            text = f"by the source mapping of now, which it is read by, it cannot be read: {error}"
            self._result.add(file_offence(file, "file_header", text))
            return None
        self._result.files += 1
        return records

    def reader(self, file: LedgerFile) -> RowReader:
        return RowReader(file.layout, self._mapping(file), self._reading.identical_rows, path=file.path)

    def cannot_read(self, file: LedgerFile, error: UnreadableError) -> None:
        if isinstance(error, AwayError):
            self._result.cannot_compare(file, "away")
        else:
            self._result.add(file_offence(file, "file_unreadable", f"it was loaded, but now {error}"))

    def learn_mappings(self) -> None:
        for mapping_id, text in rows_of(self._connection, "values.mappings"):
            if mapping_id not in self._mappings:
                self._mappings[mapping_id] = parse_audit_mapping(json.loads(text))

    def _mapping(self, file: LedgerFile) -> AuditMapping:
        if file.mapping_id is None:
            return self._reading.mapping
        if file.mapping_id not in self._mappings:  # it was registered after the audit began
            self.learn_mappings()
        return self._mappings[file.mapping_id]

    def _place(self, file: LedgerFile) -> tuple[Path, Path]:
        """The directory of its source, and that one's archive."""
        default = self._reading.events_dir, self._reading.archive_dir
        if not self._reading.others:
            return default
        ((source,),) = rows_of(self._connection, "values.source", file_id=file.file_id)
        return self._reading.others.get(source, default)


def rows_of(connection: Connection, name: str, **parameters: Any) -> list[tuple[Any, ...]]:
    """The rows of a statement of `values`."""
    with connection.cursor() as cursor:
        cursor.execute(statement(name), parameters)
        return list(cursor.fetchall())
