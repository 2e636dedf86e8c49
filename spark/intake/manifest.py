"""The manifest in PostgreSQL: registering files and their chunks, in commit order, under the lease.

It reads and writes `ingest_files` and `ingest_chunks`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from clickstream_assets.contract import DEFAULT_SOURCE
from clickstream_assets.file_names import FileState, ledger_path
from clickstream_assets.sql_files import statement
from spark.discovery.candidate import Candidate
from spark.inspection.inspection import Chunk, Inspection
from spark.intake.file_rows import Committed, KnownState, file_row, new_row
from spark.intake.recorded import Recorded
from spark.ledger_session import LedgerSession
from spark.mapping.source_mapping import SourceMapping


class Manifest:
    """Written under one lease epoch, in a session that `connect` opens. The threads of several sources share one."""

    def __init__(self, connect: Callable[[], Connection], epoch: int) -> None:
        self.session = LedgerSession(connect, epoch)
        self._recorded = Recorded()

    def close(self) -> None:
        """End the session. The next use opens another one."""
        with self.session.turn:
            self._recorded.forget()
            self.session.close()

    def known_states(self, paths: Sequence[bytes], source: str = DEFAULT_SOURCE) -> dict[bytes, KnownState]:
        """The latest ledger row of each of `paths` of a source that has one."""
        texts = {ledger_path(path): path for path in paths}
        with self.session.reading() as cursor:
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
        with self.session.writing() as cursor:
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
        with self.session.writing() as cursor:
            hashes = [i.content_hash for _, i in files if i.content_hash]
            committed = _committed_content(cursor, hashes, source)
            mapping_id = self._recorded.mapping_id(cursor, mapping)
            if files:
                rows = []
                for candidate, inspection in files:
                    layout_id = self._layout_id(cursor, inspection, source)
                    repeats = committed.get(inspection.content_hash or b"")
                    rows.append(new_row(candidate.path, inspection, repeats, layout_id))
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

    def take_released(
        self, file_id: int, inspection: Inspection | None, mapping: SourceMapping, source: str
    ) -> None:
        """Make a released file a registered one. None: it is not there any more, or cannot be opened.

        Raises:
            LeaseLost: another stream took over; nothing was written.
        """
        with self.session.writing() as cursor:
            cursor.execute(statement("intake.held_file"), {"file_id": file_id})
            held = cursor.fetchone()
            if held is None:
                return
            content = inspection.content_hash if inspection is not None else None
            if inspection is None or content is None or held[0] is None or bytes(held[0]) != content:
                cursor.execute(statement("intake.released_is_gone"), {"file_id": file_id})
                return
            repeats = _committed_content(cursor, [content], source).get(content)
            layout_id = self._layout_id(cursor, inspection, source)
            row = file_row(replace(inspection, is_held=False), repeats, layout_id)
            mapping_id = self._recorded.mapping_id(cursor, mapping)
            cursor.execute(
                statement("intake.take_released"), {"file_id": file_id, "mapping_id": mapping_id, **row}
            )
            if row["chunks_open"]:
                _insert_chunks(cursor, [(file_id, chunk) for chunk in inspection.chunks], source)
            cursor.execute(statement("intake.notify"))

    def columns_of(self, source: str) -> list[list[str]]:
        """The columns of the headers that files of a source came with."""
        with self.session.reading() as cursor:
            cursor.execute(statement("intake.columns_of_source"), {"source": source})
            return [row[0] for row in cursor]

    def _layout_id(self, cursor: Cursor, inspection: Inspection, source: str) -> int | None:
        layout = inspection.layout
        if layout is None:
            return None
        if not inspection.reason:
            self._recorded.note_layout(cursor, source, layout)
        return self._recorded.layout_id(cursor, layout)


def _committed_content(cursor: Cursor, hashes: list[bytes], source: str) -> dict[bytes, Committed]:
    cursor.execute(statement("intake.committed_content"), {"hashes": hashes, "source": source})
    return {bytes(content_hash): Committed(file_id, rows) for content_hash, file_id, rows in cursor}


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
