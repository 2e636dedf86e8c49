"""Dead letters: listing, export and replay on a real ledger. Guards against a line that is sent back twice by
accident, or marked as sent back although it was not."""

from __future__ import annotations

import base64
import io
import json
import stat
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import psycopg2.errors
import pytest
from databases import Database, run_sql
from ledger_books import LedgerBooks
from psycopg2.extensions import connection as Connection

from clickstream_assets.database import connect
from clickstream_assets.rejects import reads as rejects
from clickstream_assets.rejects import replay
from clickstream_assets.rejects.outgoing import Outgoing
from clickstream_assets.rejects.reads import RejectFilter
from clickstream_assets.rejects.records import ReplayFileError
from clickstream_assets.rejects.replay import Replay, replay_as_they_are, replay_repaired

ALL = RejectFilter()
COLUMNS = ["user_id", "event_time", "price"]


@pytest.fixture
def books(database: Database) -> LedgerBooks:
    """File 1 (commas) with rejected lines 2, 3, 4 and file 2 (semicolons, other columns) with line 9."""
    books = LedgerBooks(database.owner_url)
    one = books.add_file("one.csv", status="committed", layout_id=books.add_layout(COLUMNS))
    two = books.add_file(
        "two\n.csv", status="committed", layout_id=books.add_layout(["visitorid", "ts"], ";")
    )
    books.add_reject(one, 2, b"u1,2026-03-01,1e9\n")
    books.add_reject(one, 3, b"u2,never,1\r\n", "invalid_event_time")
    books.add_reject(one, 4, b"\xff\xfe,2026-03-01,-1", "invalid_utf8")
    books.add_reject(two, 9, b"v;x", "invalid_event_time")
    return books


@pytest.fixture
def writer(database: Database) -> Iterator[Connection]:
    connection = connect(database.writer_url, "tests", autocommit=True)
    yield connection
    connection.close()


@pytest.fixture
def events_dir(tmp_path: Path) -> Path:
    return tmp_path / "events"


def replayed_lines(database: Database) -> list[tuple[object, ...]]:
    statement = "SELECT file_id, line_no FROM rejected_events WHERE replayed_at IS NOT NULL ORDER BY 1, 2"
    return run_sql(database.owner_url, statement)


@pytest.mark.usefixtures("books")
def test_counts_are_by_reason_and_the_newest_come_first(reader: Connection) -> None:
    counts = {line.reason: line.rows for line in rejects.count_by_reason(reader, ALL)}
    assert counts == {"invalid_event_time": 2, "invalid_price": 1, "invalid_utf8": 1}
    assert [(r.file_id, r.line_no) for r in rejects.newest(reader, ALL, 2)] == [(2, 9), (1, 4)]
    assert rejects.newest(reader, RejectFilter(reason="invalid_utf8"), 9)[0].raw == b"\xff\xfe,2026-03-01,-1"


@pytest.mark.usefixtures("books")
@pytest.mark.parametrize(
    ("which", "lines"),
    [
        (RejectFilter(reason="invalid_event_time"), [(1, 3), (2, 9)]),
        (RejectFilter(file_id=1), [(1, 2), (1, 3), (1, 4)]),
        (RejectFilter(path="two\n.csv"), [(2, 9)]),
        (RejectFilter(reason="invalid_event_time", file_id=2), [(2, 9)]),
        (RejectFilter(reason="'; DROP TABLE events; --"), []),
        (RejectFilter(since=datetime.now(UTC) + timedelta(days=1)), []),
        (RejectFilter(since=datetime.now(UTC) - timedelta(days=1)), [(1, 2), (1, 3), (1, 4), (2, 9)]),
    ],
)
def test_filters_choose_the_rows(
    reader: Connection, which: RejectFilter, lines: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rejects, "PAGE_ROWS", 1)
    found = [(r.file_id, r.line_no) for r in rejects.read_rejects(reader, which, again=False)]
    assert found == lines
    assert sum(line.rows for line in rejects.count_by_reason(reader, which)) == len(lines)
    assert len(rejects.newest(reader, which, 10)) == len(lines)


@pytest.mark.usefixtures("books")
def test_json_lines_hold_the_exact_bytes(reader: Connection) -> None:
    output = io.BytesIO()
    assert rejects.export_json_lines(reader, ALL, False, output) == 4
    rows = [json.loads(line) for line in output.getvalue().splitlines()]
    assert [base64.b64decode(row["raw_base64"]) for row in rows][2] == b"\xff\xfe,2026-03-01,-1"
    assert [row["raw"] for row in rows] == ["u1,2026-03-01,1e9\n", "u2,never,1\r\n", None, "v;x"]
    assert (rows[3]["replay_of"], rows[3]["path"]) == ("2:9", "two\n.csv")


def test_a_csv_export_has_a_file_a_header_and_leaves_cut_lines_out(
    reader: Connection, books: LedgerBooks, tmp_path: Path
) -> None:
    books.add_reject(1, 5, b"only the beginning", "line_too_long", byte_length=2_000_000)
    export = rejects.export_csv(reader, ALL, False, tmp_path / "out.csv")
    assert [path.name for path in export.files] == ["out.csv", "out-2.csv"]
    assert (export.rows, export.cut) == (4, 1)
    assert (tmp_path / "out.csv").read_bytes() == (
        b"replay_of,reject_reason,reject_detail,user_id,event_time,price\n"
        b"1:2,invalid_price,,u1,2026-03-01,1e9\n"
        b"1:3,invalid_event_time,,u2,never,1\n"
        b"1:4,invalid_utf8,,\xff\xfe,2026-03-01,'-1\n"  # a spreadsheet would take -1 for a formula
    )
    assert {stat.S_IMODE(path.stat().st_mode) for path in export.files} == {0o600}
    assert (tmp_path / "out-2.csv").read_bytes() == (
        b"replay_of,reject_reason,reject_detail,visitorid,ts\n2:9,invalid_event_time,,v,x\n"
    )


@pytest.mark.usefixtures("books")
def test_a_repaired_file_goes_into_the_events_directory_and_its_originals_are_marked(
    database: Database, writer: Connection, events_dir: Path
) -> None:
    repaired = b"replay_of,reject_reason,user_id,event_time,price\n1:3,invalid_event_time,u2,2026-03-01,1\n"
    result = replay_repaired(writer, events_dir, repaired, again=False)
    (file,) = events_dir.iterdir()
    assert result == Replay((file,), rows=1, replayed_before=0)
    assert file.read_bytes() == b"replay_of,user_id,event_time,price\n1:3,u2,2026-03-01,1\n"
    assert replayed_lines(database) == [(1, 3)]


@pytest.mark.usefixtures("books")
def test_cells_that_were_made_text_for_a_spreadsheet_go_back_as_they_were(
    reader: Connection, writer: Connection, tmp_path: Path, events_dir: Path
) -> None:
    out = tmp_path / "out.csv"
    rejects.export_csv(reader, RejectFilter(file_id=1, reason="invalid_utf8"), False, out)
    assert replay_repaired(writer, events_dir, out.read_bytes(), again=False).unchanged == 1
    (file,) = replay_repaired(
        writer, events_dir, out.read_bytes().replace(b"\xff\xfe", b"u3"), again=False
    ).files
    assert file.read_bytes() == b"replay_of,user_id,event_time,price\n1:4,u3,2026-03-01,-1\n"


@pytest.mark.usefixtures("books")
def test_a_second_replay_of_the_same_lines_does_nothing_unless_it_is_asked_for(
    database: Database, writer: Connection, events_dir: Path
) -> None:
    repaired = b"replay_of,user_id\n1:2,a\n1:3,b\n"
    replay_repaired(writer, events_dir, b"replay_of,user_id\n1:3,b\n", again=False)
    second = replay_repaired(writer, events_dir, repaired, again=False)
    assert (second.rows, second.replayed_before) == (1, 1)
    third = replay_repaired(writer, events_dir, repaired, again=False)
    assert third == Replay((), rows=0, replayed_before=2)
    assert len(list(events_dir.iterdir())) == 2
    again = replay_repaired(writer, events_dir, repaired, again=True)
    assert again.rows == 2
    header, *rows = again.files[0].read_bytes().splitlines()
    assert header == b"replay_of,replayed_again_at,user_id"
    assert len({row.split(b",")[1] for row in rows}) == 1
    assert len(list(events_dir.iterdir())) == 3


def test_rows_that_nobody_repaired_stay_where_they_are(
    database: Database,
    reader: Connection,
    writer: Connection,
    books: LedgerBooks,
    events_dir: Path,
    tmp_path: Path,
) -> None:
    """An open quote is exported as a guess. Sent back untouched, the guess would become an event."""
    books.add_reject(1, 5, b'"u5,2026-03-01,1\n', "unbalanced_quote")
    out = tmp_path / "out.csv"
    rejects.export_csv(reader, RejectFilter(file_id=1), False, out)
    out.write_bytes(out.read_bytes().replace(b"never", b"2026-03-01"))
    result = replay_repaired(writer, events_dir, out.read_bytes(), again=False)
    assert (result.rows, result.unchanged) == (1, 3)
    assert result.files[0].read_bytes().splitlines()[1:] == [b"1:3,u2,2026-03-01,1"]
    assert replayed_lines(database) == [(1, 3)]


@pytest.mark.usefixtures("books")
def test_one_line_may_be_repaired_into_two(writer: Connection, events_dir: Path) -> None:
    result = replay_repaired(writer, events_dir, b"replay_of,user_id\n1:2,a\n1:2,b\n", again=False)
    assert result.rows == 2
    assert result.files[0].read_bytes() == b"replay_of,user_id\n1:2,a\n1:2,b\n"


@pytest.mark.usefixtures("books")
def test_a_row_for_a_line_that_was_never_rejected_refuses_the_whole_file(
    database: Database, writer: Connection, events_dir: Path
) -> None:
    with pytest.raises(ReplayFileError, match="1:99 names no rejected line"):
        replay_repaired(writer, events_dir, b"replay_of,user_id\n1:2,a\n1:99,b\n", again=False)
    assert replayed_lines(database) == []
    assert not events_dir.exists()


@pytest.mark.usefixtures("books")
def test_lines_go_back_byte_for_byte_in_a_file_a_header(
    database: Database, writer: Connection, events_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "PAGE_ROWS", 2)
    result = replay_as_they_are(writer, events_dir, ALL, again=False)
    assert result.rows == 4
    assert {path.read_bytes() for path in result.files} == {
        b"replay_of,user_id,event_time,price\n1:2,u1,2026-03-01,1e9\n1:3,u2,never,1\n1:4,\xff\xfe,2026-03-01,-1\n",
        b"replay_of;visitorid;ts\n2:9;v;x\n",
    }
    assert sorted(events_dir.iterdir()) == sorted(result.files)
    assert replayed_lines(database) == [(1, 2), (1, 3), (1, 4), (2, 9)]
    assert replay_as_they_are(writer, events_dir, ALL, again=False) == Replay((), 0, 0)


@pytest.fixture
def backslashed(books: LedgerBooks) -> LedgerBooks:
    """File 3, with the header of file 1, escapes quotes by backslashes: rejected lines 2 and 3."""
    three = books.add_file("three.csv", status="committed", layout_id=books.add_layout(COLUMNS, escape="\\"))
    books.add_reject(three, 2, rb'"12\" pipe, black",never,1' + b"\n", "invalid_event_time")
    books.add_reject(three, 3, rb'"C:\\",never,1' + b"\n", "invalid_event_time")
    return books


@pytest.mark.usefixtures("backslashed")
def test_rows_of_a_file_with_backslashes_are_exported_and_replayed_in_its_dialect(
    reader: Connection, writer: Connection, tmp_path: Path, events_dir: Path
) -> None:
    out = tmp_path / "out.csv"
    rejects.export_csv(reader, RejectFilter(file_id=3), False, out)
    assert out.read_bytes().splitlines()[1:] == [
        b'3:2,invalid_event_time,,"12"" pipe, black",never,1',
        rb"3:3,invalid_event_time,,C:\,never,1",
    ]
    assert replay_repaired(writer, events_dir, out.read_bytes(), again=False).unchanged == 2
    repaired = out.read_bytes().replace(b"never", b"2026-03-01")
    (file,) = replay_repaired(writer, events_dir, repaired, again=False).files
    assert file.read_bytes().splitlines()[1:] == [
        rb'3:2,"12\" pipe, black",2026-03-01,1',
        rb"3:3,C:\,2026-03-01,1",
    ]


@pytest.mark.usefixtures("backslashed")
def test_repaired_rows_of_two_dialects_go_back_in_two_files(writer: Connection, events_dir: Path) -> None:
    repaired = b'replay_of,user_id,event_time,price\n1:2,"a""b",2026-03-01,1\n3:2,"a""b",2026-03-01,1\n'
    result = replay_repaired(writer, events_dir, repaired, again=False)
    assert result.rows == 2
    assert [path.read_bytes().splitlines()[1] for path in result.files] == [
        b'1:2,"a""b",2026-03-01,1',
        rb'3:2,"a\"b",2026-03-01,1',
    ]


@pytest.mark.usefixtures("backslashed")
def test_lines_with_quotes_behind_backslashes_go_back_as_they_are(
    writer: Connection, events_dir: Path
) -> None:
    result = replay_as_they_are(writer, events_dir, RejectFilter(file_id=3), again=False)
    assert (result.rows, result.not_as_they_are) == (2, 0)
    assert result.files[0].read_bytes().splitlines()[1:] == [
        rb'3:2,"12\" pipe, black",never,1',
        rb'3:3,"C:\\",never,1',
    ]


def test_lines_that_would_swallow_others_are_not_sent_back_nor_marked(
    database: Database, writer: Connection, books: LedgerBooks, events_dir: Path
) -> None:
    books.add_reject(1, 5, b'u,"open,1\n', "unbalanced_quote")
    books.add_reject(1, 6, b"cut", "line_too_long", byte_length=2_000_000)
    result = replay_as_they_are(writer, events_dir, RejectFilter(file_id=1), again=False)
    assert (result.rows, result.not_as_they_are) == (3, 2)
    assert replayed_lines(database) == [(1, 2), (1, 3), (1, 4)]


@pytest.mark.usefixtures("books")
def test_a_crash_after_the_file_and_before_the_marks_is_repaired_by_replaying_once_more(
    database: Database, writer: Connection, events_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver = Outgoing.deliver

    def deliver_then_crash(outgoing: Outgoing) -> Path:
        deliver(outgoing)
        raise SystemError("crash")

    repaired = b"replay_of,user_id\n1:3,b\n"
    with monkeypatch.context() as patch:
        patch.setattr(Outgoing, "deliver", deliver_then_crash)
        with pytest.raises(SystemError):
            replay_repaired(writer, events_dir, repaired, again=False)
    (file,) = events_dir.iterdir()
    inode = file.stat().st_ino
    assert replayed_lines(database) == []
    result = replay_repaired(writer, events_dir, repaired, again=False)
    assert result.files == (file,)
    assert file.stat().st_ino == inode  # not delivered a second time
    assert replayed_lines(database) == [(1, 3)]


@pytest.mark.usefixtures("books")
@pytest.mark.parametrize("as_they_are", [True, False])
def test_a_directory_that_cannot_be_written_leaves_nothing_marked(
    database: Database, writer: Connection, events_dir: Path, as_they_are: bool
) -> None:
    events_dir.write_text("a file is in the way")
    call = (
        partial(replay_as_they_are, writer, events_dir, ALL, again=False)
        if as_they_are
        else partial(replay_repaired, writer, events_dir, b"replay_of,user_id\n1:3,b\n", again=False)
    )
    with pytest.raises(OSError, match="events"):
        call()
    assert replayed_lines(database) == []
    assert writer.autocommit


@pytest.mark.usefixtures("books")
def test_two_replays_at_once_send_each_line_back_once(
    database: Database, events_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both_have_read = threading.Barrier(2, timeout=30)
    claim = replay._claim

    def claim_together(connection: Connection, reject_ids: list[int], again: bool) -> set[int]:
        both_have_read.wait()
        return claim(connection, reject_ids, again)

    monkeypatch.setattr(replay, "_claim", claim_together)
    results: list[Replay] = []

    def run() -> None:
        connection = connect(database.writer_url, "tests", autocommit=True)
        results.append(replay_as_they_are(connection, events_dir, RejectFilter(file_id=1), again=False))
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted((result.rows, result.replayed_before) for result in results) == [(0, 3), (3, 0)]
    assert len(list(events_dir.iterdir())) == 1


@pytest.mark.usefixtures("books")
def test_the_reader_cannot_replay(reader: Connection, events_dir: Path) -> None:
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        replay_as_they_are(reader, events_dir, ALL, again=False)
    assert not events_dir.exists() or not list(events_dir.iterdir())
