"""Where a file of the ledger is now, and whether it still has the content that was loaded."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from clickstream_assets.maintenance.file_moves import FinishedFile
from clickstream_assets.outages.errors import passes
from clickstream_assets.second_reader.layout import FileLayout

Finding = Literal["same", "gone", "changed", "rewritten", "unreadable", "away"]
HASH_BYTES = 1024 * 1024


@dataclass(frozen=True)
class LedgerFile:
    """A committed file, as the query `values.files` gives it."""

    file: FinishedFile
    path: str  # as the ledger writes it
    is_archived: bool
    compression: str | None
    rows: int
    columns: tuple[str, ...]
    delimiter: str
    escape: str | None  # None: the ledger does not say
    header_bytes: int  # before the first record; 0: the first line
    mapping_id: int | None  # the mapping that it was read by; None: it is not on record
    encoding: str = "utf-8"
    format: str = "csv"

    @classmethod
    def of_row(cls, row: tuple[Any, ...]) -> LedgerFile:
        return cls(
            FinishedFile.of_row(row[:9]), row[1], row[9], row[10], row[11], tuple(row[12] or ()), *row[13:]
        )

    @property
    def file_id(self) -> int:
        return self.file.file_id

    @property
    def layout(self) -> FileLayout:
        return FileLayout(self.columns, self.delimiter, self.escape, self.encoding, self.format)


@dataclass(frozen=True)
class Found:
    """`same`: the content that was loaded. `changed`: something else has the name. `rewritten`: other bytes, although
    the file has the inode, size and time that the ledger knows."""

    finding: Finding
    path: bytes | None = None


def find(ledger_file: LedgerFile, events_dir: Path, archive_dir: Path) -> Found:
    """Look where the file landed and, where maintenance took it away, in the archive."""
    last = Found("gone")
    for path in _places(ledger_file, os.fsencode(events_dir), os.fsencode(archive_dir)):
        last = look_at(ledger_file.file, path)
        if last.finding == "same":
            break
    return last


def _places(ledger_file: LedgerFile, events_dir: bytes, archive_dir: bytes) -> Iterator[bytes]:
    if ledger_file.is_archived:
        yield ledger_file.file.archive_path(archive_dir)
    yield os.path.join(events_dir, ledger_file.file.path)


def look_at(file: FinishedFile, path: bytes) -> Found:
    """Whether what is at `path` is the content that was loaded."""
    try:
        size = os.stat(path).st_size
        if size != file.size_bytes:
            return Found("changed", path)
        # Before the bytes are read: who writes meanwhile makes another state.
        is_registered_state = file.is_at(path, moved=True)
        if _hash(path) == file.content_hash:
            return Found("same", path)
        return Found("rewritten" if is_registered_state and file.is_at(path, moved=True) else "changed", path)
    except FileNotFoundError:
        return Found("gone")
    except OSError as error:
        return Found("away" if passes(error) else "unreadable", path)


def _hash(path: bytes) -> bytes:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(HASH_BYTES):
            digest.update(block)
    return digest.digest()
