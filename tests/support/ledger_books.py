"""Writes a ledger with its rows by SQL, as the stream would leave it, so that tests can read it, or break it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from psycopg2 import Binary

from clickstream_assets.database import connect
from clickstream_assets.file_names import ledger_path, signed_inode
from clickstream_assets.ledger.disk_view import ListedFile

EVENT_TIME = "2026-03-01 12:00:00+00"


@dataclass
class Part:
    """What one batch took out of one file."""

    file_id: int
    inserted: int = 0
    duplicate: int = 0
    rejected: int = 0
    conflict: int = 0
    reason: str = "invalid_price"


@dataclass
class LedgerBooks:
    """`url` is the owner's. Ids are given in the order of the calls, from 1."""

    url: str
    _line: dict[int, int] = field(default_factory=dict)
    _number: count[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self._connection = connect(self.url, "tests", autocommit=True)  # closed with the test's database
        self._run("SELECT ensure_event_partitions(ARRAY['2026-03-01'::date])")

    def add_layout(self, columns: list[str], delimiter: str = ",", escape: str | None = None) -> int:
        statement = """
            INSERT INTO ingest_layouts (columns, delimiter, escape)
            VALUES (%(columns)s, %(delimiter)s, %(escape)s)
            RETURNING layout_id"""
        return self._id(statement, columns=columns, delimiter=delimiter, escape=escape)

    def add_file(
        self,
        path: str,
        *,
        status: str = "registered",
        expected: int = 0,
        chunks: int = 0,
        reason: str | None = None,
        duplicate_of: int | None = None,
        state: ListedFile | None = None,
        layout_id: int | None = None,
        landed_seconds_ago: float = 10,
    ) -> int:
        """A delivery. With `chunks`, `expected` rows are shared among as many queued chunks."""
        state = state or ListedFile(path, next(self._number), 100, 1, 1)
        statement = """
            INSERT INTO ingest_files (path, size_bytes, content_hash, status, reason, landed_at, committed_at,
                   rows_expected, rows_read, rows_duplicate, chunks_open, duplicate_of, layout_id,
                   inode, modified_ns, changed_ns)
            VALUES (%(path)s, %(size)s, sha256(convert_to(%(path)s, 'UTF8')), %(status)s, %(reason)s,
                   now() - make_interval(secs => %(ago)s),
                   CASE WHEN %(status)s IN ('committed', 'duplicate') THEN now() END,
                   %(expected)s, %(again)s, %(again)s, %(chunks)s, %(duplicate_of)s, %(layout_id)s,
                   %(inode)s, %(modified)s, %(changed)s)
            RETURNING file_id"""
        file_id = self._id(
            statement,
            path=path,
            size=state.size_bytes,
            status=status,
            reason=reason,
            ago=landed_seconds_ago,
            expected=expected,
            again=expected if status == "duplicate" else 0,
            chunks=chunks,
            duplicate_of=duplicate_of,
            layout_id=layout_id,
            inode=state.inode,
            modified=state.modified_ns,
            changed=state.changed_ns,
        )
        for number in range(chunks):
            records = expected * (number + 1) // chunks - expected * number // chunks
            self._run(
                "INSERT INTO ingest_chunks (file_id, byte_offset, byte_length, first_line, records, disk_bytes) "
                "VALUES (%(file_id)s, %(number)s, 1, 2, %(records)s, 1)",
                {"file_id": file_id, "number": number, "records": records},
            )
        return file_id

    def commit(self, *parts: Part, seconds_ago: float = 0) -> int:
        """One batch: the first queued chunk of each part's file, its rows, and the books. Returns its id."""
        batch_id = self._id("SELECT coalesce(max(batch_id), 0) + 1 FROM ingest_batches")
        for part in parts:
            self._store(part, batch_id, seconds_ago)
        sums = {
            "inserted": sum(part.inserted for part in parts),
            "duplicate": sum(part.duplicate for part in parts),
            "rejected": sum(part.rejected for part in parts),
            "conflict": sum(part.conflict for part in parts),
        }
        self._run(
            """
            INSERT INTO ingest_batches
            SELECT %(batch_id)s, 'query', %(batch_id)s, 1, 'copy', 1, 1, %(files)s,
                   now() - make_interval(secs => %(ago)s + 0.2), now() - make_interval(secs => %(ago)s),
                   %(read)s, %(inserted)s, %(duplicate)s, %(rejected)s, %(conflict)s,
                   coalesce(max(total_rows_read), 0) + %(read)s,
                   coalesce(max(total_rows_inserted), 0) + %(inserted)s,
                   coalesce(max(total_rows_duplicate), 0) + %(duplicate)s,
                   coalesce(max(total_rows_rejected), 0) + %(rejected)s,
                   %(event_time)s, %(event_time)s, 0.1, 0.1
              FROM ingest_batches""",
            sums
            | {
                "batch_id": batch_id,
                "files": len(parts),
                "ago": seconds_ago,
                "read": sums["inserted"] + sums["duplicate"] + sums["rejected"],
                "event_time": EVENT_TIME,
            },
        )
        return batch_id

    def add_reject(
        self,
        file_id: int,
        line_no: int,
        raw: bytes,
        reason: str = "invalid_price",
        byte_length: int | None = None,
    ) -> None:
        """A dead letter outside any books: for tests that do not audit."""
        self._run(
            "INSERT INTO rejected_events (file_id, line_no, byte_offset, byte_length, raw, reason, batch_id) "
            "VALUES (%(file_id)s, %(line)s, 0, %(length)s, %(raw)s, %(reason)s, 1)",
            {
                "file_id": file_id,
                "line": line_no,
                "length": len(raw) if byte_length is None else byte_length,
                "raw": Binary(raw),
                "reason": reason,
            },
        )

    def _store(self, part: Part, batch_id: int, seconds_ago: float) -> None:
        first = self._line.get(part.file_id, 2)
        rejects = first + part.inserted
        self._line[part.file_id] = rejects + part.rejected + part.duplicate
        values = vars(part) | {
            "batch_id": batch_id,
            "first": first,
            "rejects": rejects,
            "time": EVENT_TIME,
            "ago": seconds_ago,
        }
        for statement in (
            "INSERT INTO events (event_id, user_id, session_id, action_type, product_id, event_time, batch_id,"
            " file_id, line_no) SELECT gen_random_uuid(), 'u', 's', 'view', 'p', %(time)s, %(batch_id)s,"
            " %(file_id)s, %(first)s + n FROM generate_series(0, %(inserted)s - 1) AS n",
            "INSERT INTO rejected_events (file_id, line_no, byte_offset, byte_length, raw, reason, batch_id,"
            " rejected_at) SELECT %(file_id)s, %(rejects)s + n, 0, 3, 'bad', %(reason)s, %(batch_id)s,"
            " now() - make_interval(secs => %(ago)s) FROM generate_series(0, %(rejected)s - 1) AS n",
            "INSERT INTO event_conflicts (file_id, line_no, event_id, event_time, content, batch_id)"
            " SELECT %(file_id)s, %(rejects)s + %(rejected)s + n, gen_random_uuid(), %(time)s, '{}', %(batch_id)s"
            " FROM generate_series(0, %(conflict)s - 1) AS n",
            "DELETE FROM ingest_chunks WHERE seq = (SELECT min(seq) FROM ingest_chunks WHERE file_id = %(file_id)s)",
            "UPDATE ingest_files AS f SET rows_read = rows_read + %(inserted)s + %(duplicate)s + %(rejected)s,"
            " rows_inserted = rows_inserted + %(inserted)s, rows_duplicate = rows_duplicate + %(duplicate)s,"
            " rows_rejected = rows_rejected + %(rejected)s, chunks_open = o.chunks,"
            " status = CASE WHEN status = 'registered' AND o.chunks = 0 THEN 'committed' ELSE status END,"
            " committed_at = CASE WHEN o.chunks = 0 THEN now() - make_interval(secs => %(ago)s) END"
            " FROM (SELECT count(*) AS chunks FROM ingest_chunks WHERE file_id = %(file_id)s) AS o"
            " WHERE f.file_id = %(file_id)s",
        ):
            self._run(statement, values)

    def _run(
        self, statement: str, parameters: Mapping[str, object] | None = None
    ) -> list[tuple[object, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def _id(self, statement: str, **parameters: object) -> int:
        ((value,),) = self._run(statement, parameters)
        assert isinstance(value, int)
        return value


def state_on_disk(directory: Path, relative: str) -> ListedFile:
    """The state of a file as intake would register it."""
    stat = (directory / relative).stat()
    return ListedFile(
        ledger_path(relative), signed_inode(stat.st_ino), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns
    )


def consistent_history(url: str) -> LedgerBooks:
    """Every kind of file once: 1 committed in one batch, 2 in two, 3 delivered again, 4 unreadable, 5 changed
    after a part of it was committed, 6 half committed, 7 waiting. Batches 1 to 5."""
    books = LedgerBooks(url)
    one = books.add_file("one.csv", expected=6, chunks=1)
    two = books.add_file("two.csv", expected=8, chunks=2)
    books.commit(Part(one, inserted=3, duplicate=2, rejected=1))
    books.commit(Part(two, inserted=4))
    books.commit(Part(two, inserted=1, duplicate=2, rejected=1, conflict=1))
    books.add_file("again.csv", status="duplicate", expected=6, duplicate_of=one)
    books.add_file("noise.gz", status="rejected", reason="not_gzip")
    five = books.add_file("changed.csv", status="changed", reason="changed", expected=4)
    six = books.add_file("half.csv", expected=10, chunks=2)
    books.commit(Part(five, inserted=2))
    books.commit(Part(six, inserted=4, rejected=1))
    books.add_file("waiting.csv", expected=3, chunks=1)
    return books
