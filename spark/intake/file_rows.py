"""What the ledger says of a file: the row that is there, and the values of one that is to be written. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from clickstream_assets.file_names import FileState, ledger_path
from spark.inspection.inspection import Inspection

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

    def is_delivered_again(self, inspection: Inspection) -> bool:
        """Whether only the change time moved since: no one wrote or replaced the file."""
        return (
            self.state.same_content(inspection.state)
            and self.content_hash == inspection.content_hash
            and self.status != "changed"
        )


class Committed(NamedTuple):
    """A file of the same source that had the same content and is committed."""

    file_id: int
    rows: int


def status_of(inspection: Inspection, *, is_repeated: bool) -> str:
    """The status with which a file is registered."""
    if inspection.reason == AWAY:
        return "changed"
    if inspection.reason and not inspection.is_held:
        return "rejected"
    if is_repeated:
        return "duplicate"
    if inspection.is_held:
        return "held"
    return "registered" if inspection.chunks else "committed"


def file_row(inspection: Inspection, repeats: Committed | None, layout_id: int | None) -> dict[str, Any]:
    """What its row says of a file that is registered, or that was held back and is released."""
    status = status_of(inspection, is_repeated=repeats is not None)
    is_reasoned = status in ("rejected", "held", "changed")
    duplicate_of = repeats if status == "duplicate" else None
    return {
        "status": status,
        "reason": inspection.reason if is_reasoned else None,
        "detail": inspection.detail if is_reasoned else None,
        "rows_expected": duplicate_of.rows if duplicate_of else inspection.records,
        "rows_duplicate": duplicate_of.rows if duplicate_of else 0,
        "duplicate_of": duplicate_of.file_id if duplicate_of else None,
        "chunks_open": len(inspection.chunks) if status == "registered" else 0,
        "header_bytes": inspection.header_bytes,
        "layout_id": layout_id,
        "compression": inspection.compression,
        "inode": inspection.state.inode,
        "modified_ns": inspection.state.modified_ns,
        "changed_ns": inspection.state.changed_ns,
    }


def new_row(
    path: bytes, inspection: Inspection, repeats: Committed | None, layout_id: int | None
) -> dict[str, Any]:
    """`file_row` of a file that has no row yet; `path` is relative to the directory of its source."""
    return {
        "path": ledger_path(path),
        "raw_path": None if _is_utf8(path) else path,
        "size_bytes": inspection.state.size_bytes,
        "content_hash": inspection.content_hash,
        "landed_at": datetime.fromtimestamp(inspection.state.changed_ns / 1e9, UTC).isoformat(),
        **file_row(inspection, repeats, layout_id),
    }


def _is_utf8(path: bytes) -> bool:
    try:
        path.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
