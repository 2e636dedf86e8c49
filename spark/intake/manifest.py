"""The manifest in PostgreSQL: registering files and their chunks, in commit order, under the lease.

It reads and writes `ingest_files`, `ingest_chunks` and `ingest_layouts`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from clickstream_assets.file_names import FileState, ledger_path
from clickstream_assets.sql_files import statement
from spark.intake.discovery import Candidate
from spark.intake.inspection import Inspection
from spark.lease import LeaseLost
from spark.mapping.source_mapping import SourceMapping
from spark.reading.header import Layout


@dataclass(frozen=True)
class KnownState:
    """The ledger's latest row of a path."""

    file_id: int
    state: FileState
    status: str
    content_hash: bytes | None


class Manifest:
    """Writes under one lease epoch, in a session that `connect` opens. Not for use by several threads."""

    def __init__(self, connect: Callable[[], Connection], epoch: int) -> None:
        self._connect = connect
        self._opened: Connection | None = None
        self._epoch = epoch
        self._layout_ids: dict[Layout, int] = {}
        self._mapping_ids: dict[str, int] = {}

    def close(self) -> None:
        """End the session. The next use opens another one."""
        connection, self._opened = self._opened, None
        self._layout_ids.clear()  # some may have been rolled back
        if connection is not None:
            with suppress(psycopg2.Error):
                connection.close()

    @property
    def _connection(self) -> Connection:
        if self._opened is None:
            self._opened = self._connect()
        return self._opened

    def known_states(self, paths: Sequence[bytes]) -> dict[bytes, KnownState]:
        """The latest ledger row of each of `paths` that has one."""
        texts = {ledger_path(path): path for path in paths}
        with self._connection, self._connection.cursor() as cursor:
            cursor.execute(statement("intake.known_file_states"), {"paths": list(texts)})
            return {
                texts[path]: KnownState(
                    file_id,
                    FileState(inode, size, modified, changed),
                    status,
                    content_hash and bytes(content_hash),
                )
                for path, inode, size, modified, changed, status, content_hash, file_id in cursor
            }

    def same_delivery(self, file_id: int, state: FileState) -> None:
        """Note that only the change time of a known file moved."""
        with self._connection, self._connection.cursor() as cursor:
            self._check_lease(cursor)
            cursor.execute(
                statement("intake.update_file_state"), {"file_id": file_id, "changed_ns": state.changed_ns}
            )

    def register(self, files: Sequence[tuple[Candidate, Inspection]], mapping: SourceMapping) -> None:
        """Write the rows of `files`, read by `mapping`, and of their chunks, in this order, in one transaction.

        Raises:
            LeaseLost: another stream took over; nothing was written.
        """
        with self._connection, self._connection.cursor() as cursor:
            self._check_lease(cursor)
            committed = self._committed_content(cursor, [i.content_hash for _, i in files if i.content_hash])
            mapping_id = self._mapping_id(cursor, mapping)
            file_ids = [self._insert(cursor, *file, mapping_id, committed) for file in files]
            if file_ids:
                cursor.execute(statement("intake.count_registered"), {"file_ids": file_ids})
            cursor.execute(statement("intake.notify"))

    def _check_lease(self, cursor: Cursor) -> None:
        cursor.execute(statement("lease.check_epoch"), {"epoch": self._epoch})
        if cursor.fetchone() is None:
            raise LeaseLost("another stream holds the lease")

    def _committed_content(self, cursor: Cursor, hashes: list[bytes]) -> dict[bytes, tuple[int, int]]:
        cursor.execute(statement("intake.committed_content"), {"hashes": hashes})
        return {bytes(content_hash): (file_id, rows) for content_hash, file_id, rows in cursor}

    def _insert(
        self,
        cursor: Cursor,
        candidate: Candidate,
        inspection: Inspection,
        mapping_id: int,
        committed: dict[bytes, tuple[int, int]],
    ) -> int:
        duplicate_of, duplicate_rows = committed.get(inspection.content_hash or b"", (None, 0))
        if inspection.reason:
            status = "rejected"
        elif duplicate_of is not None:
            status = "duplicate"
        else:
            status = "registered" if inspection.chunks else "committed"
        chunks = inspection.chunks if status == "registered" else ()
        row: dict[str, Any] = {
            "path": ledger_path(candidate.path),
            "raw_path": None if _is_utf8(candidate.path) else candidate.path,
            "size_bytes": inspection.state.size_bytes,
            "content_hash": inspection.content_hash,
            "status": status,
            "reason": inspection.reason,
            "detail": inspection.detail,
            "landed_at": datetime.fromtimestamp(inspection.state.changed_ns / 1e9, UTC),
            "rows_expected": duplicate_rows if status == "duplicate" else inspection.records,
            "rows_duplicate": duplicate_rows if status == "duplicate" else 0,
            "chunks_open": len(chunks),
            "header_bytes": inspection.header_bytes,
            "layout_id": self._layout_id(cursor, inspection.layout) if inspection.layout else None,
            "compression": inspection.compression,
            "duplicate_of": duplicate_of if status == "duplicate" else None,
            "inode": inspection.state.inode,
            "modified_ns": inspection.state.modified_ns,
            "changed_ns": inspection.state.changed_ns,
            "mapping_id": mapping_id,
        }
        cursor.execute(statement("intake.insert_file"), row)
        inserted = cursor.fetchone()
        assert inserted is not None  # noqa: S101 - RETURNING of a plain INSERT
        for chunk in chunks:
            cursor.execute(statement("intake.insert_chunk"), {"file_id": inserted[0], **vars(chunk)})
        return int(inserted[0])

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

    def _mapping_id(self, cursor: Cursor, mapping: SourceMapping) -> int:
        text = mapping.to_json()
        if text not in self._mapping_ids:
            cursor.execute(statement("intake.insert_mapping"), {"mapping": text})
            cursor.execute(statement("intake.select_mapping"), {"mapping": text})
            found = cursor.fetchone()
            assert found is not None  # noqa: S101 - inserted just now, or before
            self._mapping_ids[text] = found[0]
        return self._mapping_ids[text]


def _is_utf8(path: bytes) -> bool:
    try:
        path.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
