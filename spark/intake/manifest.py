"""The manifest in PostgreSQL: registering files and their chunks, in commit order, under the lease.

It reads and writes `ingest_files`, `ingest_chunks` and `ingest_layouts`.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from clickstream_assets.contract import DEFAULT_SOURCE, REPLAY_OF
from clickstream_assets.file_names import FileState, ledger_path
from clickstream_assets.sources.source import Source
from clickstream_assets.sql_files import statement
from spark.discovery.candidate import Candidate
from spark.inspection.inspection import Chunk, Inspection
from spark.lease import LeaseLost
from spark.mapping.source_mapping import SourceMapping
from spark.reading.header import Layout

AWAY = "away"  # the reason of a file that could not be read, and may be later


@dataclass(frozen=True)
class KnownState:
    """The ledger's latest row of a path."""

    file_id: int
    state: FileState
    status: str
    content_hash: bytes | None
    reason: str | None = None

    @property
    def is_set_aside(self) -> bool:
        """It could not be read, and nobody waits for it."""
        return self.status == "changed" and self.reason == AWAY


class Manifest:
    """Writes under one lease epoch, in a session that `connect` opens.

    The threads of several sources share one: sequence numbers are given in the order of the commits, or a chunk that is
    committed after a later one would not be found.
    """

    def __init__(self, connect: Callable[[], Connection], epoch: int) -> None:
        self._connect = connect
        self._opened: Connection | None = None
        self._epoch = epoch
        self._turn = threading.RLock()
        self._layout_ids: dict[Layout, int] = {}
        self._mapping_ids: dict[str, int] = {}
        self._noted_layouts: set[tuple[str, int]] = set()

    @property
    def epoch(self) -> int:
        return self._epoch

    def open_another(self) -> Connection:
        """A session like its own, for what may take a while."""
        return self._connect()

    def close(self) -> None:
        """End the session. The next use opens another one."""
        with self._turn:
            connection, self._opened = self._opened, None
            self._layout_ids.clear()  # some may have been rolled back
            self._mapping_ids.clear()
            self._noted_layouts.clear()
            if connection is not None:
                with suppress(psycopg2.Error):
                    connection.close()

    @property
    def _connection(self) -> Connection:
        if self._opened is None:
            self._opened = self._connect()
        return self._opened

    def known_states(self, paths: Sequence[bytes], source: str = DEFAULT_SOURCE) -> dict[bytes, KnownState]:
        """The latest ledger row of each of `paths` of a source that has one."""
        texts = {ledger_path(path): path for path in paths}
        with self._turn, self._connection, self._connection.cursor() as cursor:
            cursor.execute(statement("intake.known_file_states"), {"paths": list(texts), "source": source})
            return {
                texts[path]: KnownState(
                    file_id,
                    FileState(inode, size, modified, changed),
                    status,
                    content_hash and bytes(content_hash),
                    reason,
                )
                for path, inode, size, modified, changed, status, content_hash, file_id, reason in cursor
            }

    def same_delivery(self, file_id: int, state: FileState) -> None:
        """Note that only the change time of a known file moved."""
        with self._turn, self._connection, self._connection.cursor() as cursor:
            self._check_lease(cursor)
            cursor.execute(
                statement("intake.update_file_state"), {"file_id": file_id, "changed_ns": state.changed_ns}
            )

    def register(
        self,
        files: Sequence[tuple[Candidate, Inspection]],
        mapping: SourceMapping,
        source: str = DEFAULT_SOURCE,
    ) -> None:
        """Write the rows of `files` of a source, read by `mapping`, and of their chunks, in this order, in one
        transaction.

        Raises:
            LeaseLost: another stream took over; nothing was written.
        """
        with self._turn, self._connection, self._connection.cursor() as cursor:
            self._check_lease(cursor)
            hashes = [i.content_hash for _, i in files if i.content_hash]
            committed = self._committed_content(cursor, hashes, source)
            mapping_id = self._mapping_id(cursor, mapping)
            if files:
                rows = [self._row(cursor, *file, committed, source) for file in files]
                file_ids = _insert_files(cursor, rows, mapping_id, source)
                registered = zip(file_ids, rows, files, strict=True)
                chunks = [
                    (i, chunk)
                    for i, row, file in registered
                    if row["chunks_open"]
                    for chunk in file[1].chunks
                ]
                _insert_chunks(cursor, chunks, source)
                cursor.execute(statement("intake.count_registered"), {"file_ids": file_ids})
            cursor.execute(statement("intake.notify"))

    def record_sources(self, sources: Sequence[Source]) -> None:
        """Write which sources are in force, and how they are read."""
        with self._turn, self._connection, self._connection.cursor() as cursor:
            self._check_lease(cursor)
            for source in sources:
                row = {
                    "source": source.name,
                    "directory": str(source.directory),
                    "owner": source.owner,
                    "settings": source.settings_json(),
                }
                cursor.execute(statement("intake.record_source"), row)
            cursor.execute(
                statement("intake.remove_sources"), {"sources": [source.name for source in sources]}
            )

    def record_problem(self, source: str, problem: str | None) -> None:
        """Write why the files of a source are not taken; None: they are."""
        with self._turn, self._connection, self._connection.cursor() as cursor:
            self._check_lease(cursor)
            cursor.execute(statement("intake.record_problem"), {"source": source, "problem": problem})

    def record_fault(self, fault: str | None) -> None:
        """Write why a newer version of the sources' file is not in force; None: there is none."""
        with self._turn, self._connection, self._connection.cursor() as cursor:
            self._check_lease(cursor)
            cursor.execute(statement("intake.record_fault"), {"fault": fault})

    def _check_lease(self, cursor: Cursor) -> None:
        cursor.execute(statement("lease.check_epoch"), {"epoch": self._epoch})
        if cursor.fetchone() is None:
            raise LeaseLost("another stream holds the lease")

    def _committed_content(
        self, cursor: Cursor, hashes: list[bytes], source: str
    ) -> dict[bytes, tuple[int, int]]:
        cursor.execute(statement("intake.committed_content"), {"hashes": hashes, "source": source})
        return {bytes(content_hash): (file_id, rows) for content_hash, file_id, rows in cursor}

    def _row(
        self,
        cursor: Cursor,
        candidate: Candidate,
        inspection: Inspection,
        committed: dict[bytes, tuple[int, int]],
        source: str,
    ) -> dict[str, Any]:
        """What `ingest_files` is to say of a file."""
        duplicate_of, duplicate_rows = committed.get(inspection.content_hash or b"", (None, 0))
        status = _status(inspection, is_repeated=duplicate_of is not None)
        layout_id = self._layout_id(cursor, inspection.layout) if inspection.layout else None
        if layout_id is not None and not inspection.reason:
            self._note_layout(cursor, source, layout_id, inspection.layout)
        is_reasoned = status in ("rejected", "held", "changed")
        return {
            "path": ledger_path(candidate.path),
            "raw_path": None if _is_utf8(candidate.path) else candidate.path,
            "size_bytes": inspection.state.size_bytes,
            "content_hash": inspection.content_hash,
            "status": status,
            "reason": inspection.reason if is_reasoned else None,
            "detail": inspection.detail if is_reasoned else None,
            "landed_at": datetime.fromtimestamp(inspection.state.changed_ns / 1e9, UTC).isoformat(),
            "rows_expected": duplicate_rows if status == "duplicate" else inspection.records,
            "rows_duplicate": duplicate_rows if status == "duplicate" else 0,
            "chunks_open": len(inspection.chunks) if status == "registered" else 0,
            "header_bytes": inspection.header_bytes,
            "layout_id": layout_id,
            "compression": inspection.compression,
            "duplicate_of": duplicate_of if status == "duplicate" else None,
            "inode": inspection.state.inode,
            "modified_ns": inspection.state.modified_ns,
            "changed_ns": inspection.state.changed_ns,
        }

    def columns_of(self, source: str) -> list[list[str]]:
        """The columns of the headers that files of a source came with."""
        with self._turn, self._connection, self._connection.cursor() as cursor:
            cursor.execute(statement("intake.columns_of_source"), {"source": source})
            return [row[0] for row in cursor]

    def wanted_again(self) -> list[tuple[str, int, bytes, bool]]:
        """Files that are to be looked at once more, though they have not changed: (source, file_id, path, whether it
        was released; else its directory was away when it was to be read)."""
        with self._turn, self._connection, self._connection.cursor() as cursor:
            cursor.execute(statement("intake.wanted_again"))
            return [
                (source, file_id, bytes(raw_path) if raw_path is not None else os.fsencode(path), is_released)
                for source, file_id, path, raw_path, is_released in cursor
            ]

    def take_released(
        self,
        file_id: int,
        candidate: Candidate,
        inspection: Inspection | None,
        mapping: SourceMapping,
        source: str,
    ) -> None:
        """Make a released file a registered one. None: it is not there any more, or cannot be opened.

        Raises:
            LeaseLost: another stream took over; nothing was written.
        """
        with self._turn, self._connection, self._connection.cursor() as cursor:
            self._check_lease(cursor)
            hashes = [inspection.content_hash] if inspection and inspection.content_hash else []
            cursor.execute(statement("intake.held_file"), {"file_id": file_id})
            held = cursor.fetchone()
            if held is None:
                return
            is_same = inspection is not None and held[0] is not None and bytes(held[0]) in hashes
            if inspection is None or not is_same:
                cursor.execute(statement("intake.released_is_gone"), {"file_id": file_id})
                return
            repeats = self._committed_content(cursor, hashes, source).get(hashes[0])
            status = _status(replace(inspection, is_held=False), is_repeated=repeats is not None)
            chunks = inspection.chunks if status == "registered" else ()
            layout_id = self._layout_id(cursor, inspection.layout) if inspection.layout else None
            if layout_id is not None and status != "rejected":
                self._note_layout(cursor, source, layout_id, inspection.layout)
            row = {
                "file_id": file_id,
                "status": status,
                "reason": inspection.reason,
                "detail": inspection.detail,
                "rows_expected": repeats[1] if repeats else inspection.records,
                "rows_duplicate": repeats[1] if repeats else 0,
                "duplicate_of": repeats[0] if repeats else None,
                "chunks_open": len(chunks),
                "header_bytes": inspection.header_bytes,
                "layout_id": layout_id,
                "compression": inspection.compression,
                "inode": candidate.state.inode,
                "modified_ns": candidate.state.modified_ns,
                "changed_ns": candidate.state.changed_ns,
                "mapping_id": self._mapping_id(cursor, mapping),
            }
            cursor.execute(statement("intake.take_released"), row)
            _insert_chunks(cursor, [(file_id, chunk) for chunk in chunks], source)
            cursor.execute(statement("intake.notify"))

    def _layout_id(self, cursor: Cursor, layout: Layout) -> int:
        if layout not in self._layout_ids:
            values = vars(layout) | {"columns": list(layout.columns)}
            cursor.execute(statement("intake.insert_layout"), values)
            cursor.execute(statement("intake.select_layout"), values)
            found = cursor.fetchone()
            assert found is not None  # noqa: S101 - inserted just now, or before
            # Remembered although the transaction may yet roll back: then this session is not used again.
            self._layout_ids[layout] = found[0]
        return self._layout_ids[layout]

    def _note_layout(self, cursor: Cursor, source: str, layout_id: int, layout: Layout | None) -> None:
        if (source, layout_id) in self._noted_layouts or (layout and REPLAY_OF in layout.columns):
            return
        cursor.execute(statement("intake.note_layout"), {"source": source, "layout_id": layout_id})
        self._noted_layouts.add((source, layout_id))

    def _mapping_id(self, cursor: Cursor, mapping: SourceMapping) -> int:
        text = mapping.to_json()
        if text not in self._mapping_ids:
            cursor.execute(statement("intake.insert_mapping"), {"mapping": text})
            cursor.execute(statement("intake.select_mapping"), {"mapping": text})
            found = cursor.fetchone()
            assert found is not None  # noqa: S101 - inserted just now, or before
            self._mapping_ids[text] = found[0]
        return self._mapping_ids[text]


def _status(inspection: Inspection, *, is_repeated: bool) -> str:
    if inspection.reason == AWAY:
        return "changed"
    if inspection.reason and not inspection.is_held:
        return "rejected"
    if is_repeated:
        return "duplicate"
    if inspection.is_held:
        return "held"
    return "registered" if inspection.chunks else "committed"


def _insert_files(cursor: Cursor, rows: list[dict[str, Any]], mapping_id: int, source: str) -> list[int]:
    """Returns their ids, in the same order."""
    parameters = {"files": _as_json(rows), "mapping_id": mapping_id, "source": source}
    cursor.execute(statement("intake.insert_files"), parameters)
    return sorted(file_id for (file_id,) in cursor)


def _insert_chunks(cursor: Cursor, chunks: Iterable[tuple[int, Chunk]], source: str) -> None:
    """Each with the id of its file."""
    if rows := [{"file_id": file_id, **vars(chunk)} for file_id, chunk in chunks]:
        cursor.execute(statement("intake.insert_chunks"), {"chunks": _as_json(rows), "source": source})


def _as_json(rows: Iterable[dict[str, Any]]) -> str:
    """Many rows as one parameter: of thousands of small files, a statement each took longer than reading them."""
    return json.dumps([{"number": number, **row} for number, row in enumerate(rows)], default=bytes.hex)


def _is_utf8(path: bytes) -> bool:
    try:
        path.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
