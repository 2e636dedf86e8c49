"""Looking at the dead letters: counts, the newest ones, and exports for repair or for keeping.

Sending them back is in `replay`, taking a line apart in `records`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from psycopg2.extensions import connection as Connection
from psycopg2.extras import RealDictCursor

from clickstream_assets.home import open_private
from clickstream_assets.rejects.csv_lines import csv_line
from clickstream_assets.rejects.records import Reject, as_text_cell, export_fields, export_header
from clickstream_assets.sql_files import statement

PAGE_ROWS = 2_000  # of at most 64 KiB each


@dataclass(frozen=True)
class RejectFilter:
    """Which dead letters; None does not filter. `path` is as the ledger writes it."""

    reason: str | None = None
    file_id: int | None = None
    path: str | None = None
    since: datetime | None = None
    reject_ids: Sequence[int] | None = None


@dataclass(frozen=True)
class ReasonCount:
    reason: str
    rows: int
    replayed: int
    files: int
    first_rejected_at: datetime
    last_rejected_at: datetime


@dataclass(frozen=True)
class NewestReject:
    reject_id: int
    file_id: int
    path: str
    line_no: int
    byte_offset: int
    byte_length: int
    raw: bytes
    reason: str
    detail: str | None
    rejected_at: datetime
    replayed_at: datetime | None


@dataclass(frozen=True)
class Export:
    """What an export wrote. `cut` rows were too long to be kept whole, and are not in a CSV for repair."""

    files: tuple[Path, ...]
    rows: int
    cut: int


def count_by_reason(connection: Connection, which: RejectFilter) -> list[ReasonCount]:
    """Rejected rows by reason, the most frequent first."""
    return [ReasonCount(**row) for row in _rows(connection, "rejects.by_reason", **asdict(which))]


def newest(connection: Connection, which: RejectFilter, limit: int) -> list[NewestReject]:
    """The newest rejected rows."""
    rows = _rows(connection, "rejects.newest", **asdict(which), limit=limit)
    return [NewestReject(**(row | {"raw": bytes(row["raw"])})) for row in rows]


def read_rejects(connection: Connection, which: RejectFilter, again: bool) -> Iterator[Reject]:
    """The rejected rows in the order of their ids, a page at a time; with `again`, also those replayed before."""
    after_id = 0
    while page := _rows(
        connection, "rejects.after", **asdict(which), again=again, after_id=after_id, limit=PAGE_ROWS
    ):
        yield from map(_reject, page)
        after_id = page[-1]["reject_id"]


def read_rejects_at(connection: Connection, lines: Sequence[tuple[int, int]]) -> Iterator[Reject]:
    """The rejected rows at `lines` (file id, line number), in no order; lines that were not rejected are absent."""
    file_ids, line_nos = [line[0] for line in lines], [line[1] for line in lines]
    yield from map(_reject, _rows(connection, "rejects.at_lines", file_ids=file_ids, line_nos=line_nos))


def _reject(row: dict[str, Any]) -> Reject:
    return Reject(**(row | {"raw": bytes(row["raw"]), "columns": tuple(row["columns"])}))


def export_json_lines(connection: Connection, which: RejectFilter, again: bool, output: BinaryIO) -> int:
    """One JSON object a rejected row. `raw` is null where the bytes are no UTF-8; `raw_base64` is always exact."""
    rows = 0
    for reject in read_rejects(connection, which, again):
        output.write(json.dumps(_as_json(reject)).encode() + b"\n")
        rows += 1
    return rows


def export_csv(connection: Connection, which: RejectFilter, again: bool, out: Path) -> Export:
    """Write CSV files to be repaired: one a header, since rows under another header are no rows of this one.

    The first is `out`, others have the number of their layout before the suffix. Existing files are replaced.
    """
    files: dict[int, tuple[Path, BinaryIO]] = {}
    rows = cut = 0
    with ExitStack() as stack:
        for reject in read_rejects(connection, which, again):
            if not reject.is_complete:
                cut += 1
                continue
            if reject.layout_id not in files:
                path = out if not files else out.with_stem(f"{out.stem}-{reject.layout_id}")
                files[reject.layout_id] = path, stack.enter_context(open_private(path))
                files[reject.layout_id][1].write(csv_line(map(as_text_cell, export_header(reject.columns))))
            files[reject.layout_id][1].write(csv_line(map(as_text_cell, export_fields(reject))))
            rows += 1
    return Export(tuple(path for path, _ in files.values()), rows, cut)


def _as_json(reject: Reject) -> dict[str, Any]:
    try:
        raw: str | None = reject.raw.decode("utf-8")
    except UnicodeDecodeError:
        raw = None
    return {
        "replay_of": reject.link,
        "path": reject.path,
        "file_id": reject.file_id,
        "line_no": reject.line_no,
        "byte_offset": reject.byte_offset,
        "byte_length": reject.byte_length,
        "reason": reject.reason,
        "detail": reject.detail,
        "rejected_at": reject.rejected_at.isoformat(),
        "replayed_at": reject.replayed_at.isoformat() if reject.replayed_at else None,
        "raw": raw,
        "raw_base64": base64.b64encode(reject.raw).decode(),
        "is_complete": reject.is_complete,
    }


def _rows(connection: Connection, name: str, **parameters: Any) -> list[dict[str, Any]]:
    with connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute(statement(name), parameters)
        return [dict(row) for row in cursor]
