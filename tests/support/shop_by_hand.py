"""A small shop whose files are on disk and whose rows are stored as the stream would leave them, written by hand."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import replace
from pathlib import Path

from databases import Database, run_sql
from ledger_books import LedgerBooks, Part, state_on_disk

from clickstream_assets.conservation.audit import verify
from clickstream_assets.conservation.outcome import Audit
from clickstream_assets.database import connect
from clickstream_assets.file_names import EventsDirectory
from clickstream_assets.second_reader.mapping import AuditMapping
from clickstream_assets.values_audit.audit import audit_values
from clickstream_assets.values_audit.findings import ValuesAudit
from clickstream_assets.values_audit.opening import FilesToRead

COLUMNS = [
    "event_id",
    "user_id",
    "session_id",
    "action_type",
    "product_id",
    "event_time",
    "price",
    "user_agent",
    "shop",
]
IDS = [f"00000000-0000-4000-8000-00000000000{number}" for number in range(10)]
ONE = (
    ",".join(COLUMNS)
    + f"""
{IDS[0]},u0,s0,view,p0,2026-03-01T12:00:00.123456Z,5.50,ua,north
{IDS[1].upper()},u1,s1,Buy,"p ""1"",
x",1772366400,,,
{IDS[2]},u2,s2,view,p2,2026-03-01T12:00:00Z,dear,ua,
{IDS[0]},u0,s0,view,p0,2026-03-01T12:00:00.123456Z,6.00,ua,north
{IDS[0]},u0,s0,view,p0,2026-03-01T12:00:00.123456Z,5.5,ua,north
"""
).encode()
TWO = (
    ",".join(COLUMNS)
    + f"""
{IDS[3]},u3,s3,view,p3,2026-03-01T12:00:00Z,,,
{IDS[0]},u0,s0,view,p0,2026-03-01 12:00:00.123456,5.50,ua,north
"""
).encode()
EVENTS = {
    (1, 2): (
        IDS[0],
        "u0",
        "s0",
        "view",
        "p0",
        "2026-03-01 12:00:00.123456+00",
        "5.50",
        "ua",
        '{"shop": "north"}',
    ),
    (1, 3): (IDS[1], "u1", "s1", "purchase", 'p "1",\nx', "2026-03-01 12:00:00+00", None, None, None),
    (2, 2): (IDS[3], "u3", "s3", "view", "p3", "2026-03-01 12:00:00+00", None, None, None),
}


class Shop:
    """Two files as the stream leaves them: an event, one over two lines, a reject, a conflict, a duplicate; and, in
    gzip, an event and a duplicate of the other file's."""

    def __init__(self, database: Database, directory: Path) -> None:
        self.url = database.owner_url
        self.reader_url = database.reader_url
        self.root = directory / "events"
        self.archive = directory / "archive"
        self.root.mkdir()
        (self.root / "one.csv").write_bytes(ONE)
        (self.root / "two.csv.gz").write_bytes(gzip.compress(TWO))
        books = LedgerBooks(self.url)
        self.layout = books.add_layout(COLUMNS)
        self.books = books
        self._load("one.csv", 5, Part(1, inserted=2, rejected=1, duplicate=2, conflict=1))
        self._load("two.csv.gz", 2, Part(2, inserted=1, duplicate=1))
        # The reject and the conflict lie one line further than the books put them: an event has two lines.
        raw = line_of(ONE, 4)
        self.sql(
            "UPDATE rejected_events SET line_no = 5, raw = %(raw)s, byte_offset = %(at)s, byte_length = %(length)s",
            raw=raw,
            at=ONE.index(raw),
            length=len(raw) + 1,
        )
        self.sql(
            "UPDATE event_conflicts SET line_no = 6, event_id = %(id)s, event_time = %(time)s",
            id=IDS[0],
            time=EVENTS[1, 2][5],
        )
        for (file_id, line_no), values in EVENTS.items():
            self.store(file_id, line_no, values)

    def _load(self, name: str, rows: int, part: Part) -> None:
        file_id = self.books.add_file(
            name, expected=rows, chunks=1, layout_id=self.layout, state=state_on_disk(self.root, name)
        )
        content = (self.root / name).read_bytes()
        compression = "gzip" if name.endswith("gz") else None
        self.sql(
            "UPDATE ingest_files SET content_hash = %(hash)s, compression = %(compression)s WHERE file_id = %(id)s",
            hash=hashlib.sha256(content).digest(), compression=compression, id=file_id,
        )  # fmt: skip
        self.books.commit(part)

    def store(self, file_id: int, line_no: int, values: tuple[str | None, ...]) -> None:
        names = ("event_id", "user_id", "session_id", "action_type", "product_id", "event_time", "price", "user_agent",
                 "extra")  # fmt: skip
        setters = ", ".join(f"{name} = %({name})s" for name in names)
        self.sql(
            f"UPDATE events SET {setters} WHERE file_id = %(file_id)s AND line_no = %(line_no)s",
            **dict(zip(names, values, strict=True)), file_id=file_id, line_no=line_no,
        )  # fmt: skip

    def sql(self, statement: str, **parameters: object) -> None:
        run_sql(self.url, statement, parameters)

    def values(self, sample: int | None = None, **settings: object) -> ValuesAudit:
        reading = replace(FilesToRead(self.root, self.archive, AuditMapping()), **settings)  # type: ignore[arg-type]
        connection = connect(self.reader_url, "tests", autocommit=True)
        try:
            return audit_values(connection, reading, sample)
        finally:
            connection.close()

    def books_audit(self) -> Audit:
        connection = connect(self.reader_url, "tests", autocommit=True)
        try:
            return verify(connection, EventsDirectory(self.root))
        finally:
            connection.close()


def line_of(content: bytes, index: int) -> bytes:
    return content.split(b"\n")[index]
