"""`clickstream status`, `verify` and `rejects` as commands. Guards against a status that cannot answer."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from control_plane import wait_until
from databases import Database, RunningServer, run_sql
from ledger_books import LedgerBooks, Part, consistent_history
from psycopg2.extensions import connection as Connection

from clickstream_assets.cli.__main__ import clickstream
from clickstream_assets.database import connect
from clickstream_assets.file_names import EventsDirectory
from clickstream_assets.home import make_home
from clickstream_assets.ledger import reads as ledger
from clickstream_assets.monitoring.status import read_status, state_since
from clickstream_assets.monitoring.status_away import read_status_away, status_away_json
from clickstream_assets.monitoring.status_json import status_json
from clickstream_assets.monitoring.status_line import status_line
from clickstream_assets.monitoring.status_text import status_text
from clickstream_assets.outages.stream_waits import write_waits
from clickstream_assets.sql_files import statement
from clickstream_assets.supervision.model import StreamState


@pytest.fixture
def environment(
    database: Database, postgres_server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The commands run on this database; the events directory is returned."""
    events = tmp_path / "events"
    events.mkdir()
    monkeypatch.setenv("CLICKSTREAM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CLICKSTREAM_EVENTS_DIR", str(events))
    monkeypatch.setenv("CLICKSTREAM_DATABASE_URL", database.owner_url)
    monkeypatch.setenv("CLICKSTREAM_READER_PASSWORD", postgres_server.password)
    monkeypatch.setenv("CLICKSTREAM_WRITER_PASSWORD", postgres_server.password)
    return events


@pytest.fixture
def stream(database: Database) -> Iterator[Connection]:
    """A session that holds the lock, and a lease row that says that it has just made progress."""
    connection = connect(database.writer_url, "stream")
    connection.cursor().execute(statement("lease.lock"))
    run_sql(
        database.writer_url,
        "UPDATE stream_lease SET epoch = 7, mode = 'continuous', pid = 42, host = 'here',"
        " dagster_run_id = 'abcd1234-run', spark_ui_url = 'http://127.0.0.1:4040',"
        " started_at = now() - interval '1 minute', heartbeat_at = now(), last_progress_at = now()",
    )
    yield connection
    connection.close()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(clickstream, arguments, catch_exceptions=False)


@pytest.mark.usefixtures("stream")
def test_a_living_stream_with_a_backlog_is_told_with_its_numbers(
    database: Database, environment: Path, reader: Connection
) -> None:
    consistent_history(database.owner_url)
    (environment / "new\n.csv").write_text("12345")
    content = json.loads(run("status", "--json").stdout)
    assert content["stream"]["state"] == "running"
    assert (content["stream"]["dagster_run_id"], content["stream"]["epoch"]) == ("abcd1234-run", 7)
    assert (content["waiting"]["files"], content["waiting"]["vanished"]) == (1, 2)
    assert content["totals"]["rows_read"] == 27
    assert content["totals"]["duplicate_rate"] == pytest.approx(10 / 27)
    assert content["window"]["rejects_by_reason"] == {"invalid_price": 3}
    assert content["last_batch"]["batch_id"] == 5
    assert content["latency"]["files"] == 2
    text = run("status").stdout
    for part in (
        "running",
        "http://127.0.0.1:4040",
        "abcd1234-run",
        "new\\n.csv",
        "37.04 %",
        "invalid_price 3",
    ):
        assert part in text
    assert len(text.splitlines()) <= 24
    assert max(map(len, text.splitlines())) <= 150
    line = status_line(read_status(reader, EventsDirectory(environment)))
    assert "stream running" in line
    assert "1 files waiting" in line


@pytest.mark.usefixtures("environment", "stream")
def test_files_that_waited_for_the_first_start_are_not_denied_where_latency_leaves_them_out(
    database: Database,
) -> None:
    assert "no file became visible (last hour)" in run("status").stdout
    consistent_history(database.owner_url)
    run_sql(database.owner_url, "UPDATE stream_lease SET epoch = 1")
    text = run("status").stdout
    assert "not measured: files that waited for the first stream do not count (last hour)" in text
    assert "no file became visible" not in text


def test_the_keys_of_the_json_are_those_that_are_documented(environment: Path, reader: Connection) -> None:
    """A key is a promise. The lists here and in the module's docstring grow together."""
    from clickstream_assets.monitoring import status_json as module

    content = status_json(read_status(reader, EventsDirectory(environment)))
    documentation = module.__doc__ or ""
    for section in content:
        assert f"`{section}`" in documentation
    for section in ("stream", "waiting", "totals", "window", "latency"):
        for key in content[section]:
            assert f"`{key}`" in documentation, f"{section}.{key}"


def test_where_the_database_is_away_status_says_so_once_and_what_is_known_without_it(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (environment / "a.csv").write_text("1")
    monkeypatch.setenv("CLICKSTREAM_DATABASE_URL", "postgresql://owner:secret@127.0.0.1:1/shop")
    nobody_waits = run("status")
    assert nobody_waits.exit_code == 1
    assert nobody_waits.stdout.split()[:2] == ["Stream", "unknown"]
    home = environment.parent / "home"
    make_home(home)
    write_waits(home, "the database", "it is shutting down", 1785585600.0, "run-1-of-dagster")
    result = run("status")
    assert result.exit_code == 1
    assert result.stderr.startswith("clickstream: the database cannot be reached: connection to server at")
    assert result.stderr.count("\n") == 1
    assert "cannot be reached" not in result.stdout
    for part in (
        "waiting",
        "waits for the database since 2026-08-01 12:00:00 UTC: it is shutting down",
        f"process {os.getpid()} on {socket.gethostname()}",
        "run-1-of-dagster",
        "1 files, 1 B",
    ):
        assert part in result.stdout
    assert "secret" not in result.output
    as_json = run("status", "--json")
    content = json.loads(as_json.stdout)
    assert as_json.exit_code == 1
    assert content["database_error"].startswith("the database cannot be reached: ")
    assert (content["stream"]["state"], content["stream"]["pid"]) == ("waiting", os.getpid())
    assert (content["waiting"]["files"], content["waiting"]["files_on_disk"]) == (None, 1)


def test_the_keys_are_the_same_where_the_database_is_away(environment: Path, reader: Connection) -> None:
    events = EventsDirectory(environment)
    away = status_away_json(read_status_away("it is away", environment, events))
    assert set(away) == set(status_json(read_status(reader, events)))


def test_a_stream_that_waits_is_told_with_what_it_waits_for(
    database: Database, environment: Path, stream: Connection
) -> None:
    home = environment.parent / "home"
    make_home(home)
    write_waits(home, "the events directory", "Stale file handle", 1785585600.0, None)
    content = json.loads(run("status", "--json").stdout)
    assert content["stream"]["state"] == "idle", "another process has the lock"
    holder = "UPDATE stream_lease SET pid = %(pid)s, host = %(host)s"
    run_sql(database.owner_url, holder, {"pid": os.getpid(), "host": socket.gethostname()})
    content = json.loads(run("status", "--json").stdout)
    assert (content["stream"]["state"], content["stream"]["since"]) == (
        "waiting",
        "2026-08-01T12:00:00+00:00",
    )
    stream.close()
    assert json.loads(run("status", "--json").stdout)["stream"]["state"] == "waiting"


@pytest.mark.usefixtures("environment")
def test_a_database_without_a_stream_answers_that_none_has_run(environment: Path) -> None:
    content = json.loads(run("status", "--json").stdout)
    assert content["stream"]["state"] == "dead"
    assert content["last_batch"] is None
    assert "no stream has run yet" in run("status").stdout


def test_a_stream_that_was_killed_is_dead_and_its_files_wait(
    database: Database, environment: Path, reader: Connection, stream: Connection
) -> None:
    (environment / "a.csv").write_text("1")
    stream.close()
    wait_until(lambda: not ledger.read_lease(reader).lock_held)
    status = read_status(reader, EventsDirectory(environment))
    assert status.decision.state is StreamState.DEAD
    assert state_since(status) == status.lease.heartbeat_at
    assert status.waiting.files == 1
    assert "Spark UI" not in status_text(status)


def test_a_start_that_failed_before_it_took_the_lease_is_told_with_its_sentence(
    database: Database, environment: Path, reader: Connection
) -> None:
    """What `status` said once: that the process was killed, of a source mapping that was wrong."""
    why = "run 01234567 failed: the source mapping is no TOML"
    run_sql(database.owner_url, "UPDATE stream_lease SET started_at = now() - interval '1 hour'")
    launched = statement("lease.record_launch") % {"failures": 3, "pause_seconds": 20}
    run_sql(database.owner_url, launched)
    assert read_status(reader, EventsDirectory(environment)).decision.state is StreamState.STARTING
    run_sql(database.owner_url, statement("lease.record_end") % {"reason": f"'{why}'"})
    decision = read_status(reader, EventsDirectory(environment)).decision
    assert decision.state is StreamState.CRASH_LOOPING, "it has failed already, and is not starting any more"
    assert why in decision.reason


def test_taking_the_lease_forgets_why_an_earlier_stream_ended(
    database: Database, environment: Path, reader: Connection
) -> None:
    run_sql(database.owner_url, "UPDATE stream_lease SET last_reason = 'run 01234567 failed: disk full'")
    connection = connect(database.writer_url, "stream", autocommit=True)
    with connection.cursor() as cursor:
        taker = {"mode": "continuous", "dagster_run_id": None, "pid": 42, "host": "here"}
        cursor.execute(statement("lease.take"), taker)
    connection.close()  # as if it were killed: no word
    assert "left no word" in read_status(reader, EventsDirectory(environment)).decision.reason


@pytest.mark.usefixtures("stream")
def test_an_idle_stream_is_idle_since_its_last_batch(
    database: Database, environment: Path, reader: Connection
) -> None:
    books = LedgerBooks(database.owner_url)
    books.commit(Part(books.add_file("a.csv", expected=1, chunks=1), inserted=1), seconds_ago=30)
    status = read_status(reader, EventsDirectory(environment))
    assert status.decision.state is StreamState.IDLE
    assert status.age(state_since(status)) == pytest.approx(30, abs=5)


def test_a_stream_that_was_stopped_on_purpose_is_stopped(
    database: Database, environment: Path, reader: Connection
) -> None:
    run_sql(database.owner_url, "UPDATE stream_lease SET wanted = 'stopped', released_at = now()")
    status = read_status(reader, EventsDirectory(environment))
    assert status.decision.state is StreamState.STOPPED
    assert state_since(status) == status.lease.released_at


def test_a_stream_that_was_just_asked_for_is_starting_however_long_it_was_stopped(
    database: Database, environment: Path, reader: Connection
) -> None:
    def state(assignments: str) -> StreamState:
        run_sql(database.owner_url, f"UPDATE stream_lease SET {assignments}")
        return read_status(reader, EventsDirectory(environment)).decision.state

    stopped_long_ago = state("started_at = now() - interval '2 h', released_at = now() - interval '1 h'")
    run_sql(database.writer_url, statement("lease.want"), {"wanted": "running"})
    status = read_status(reader, EventsDirectory(environment))
    assert status.decision.state is StreamState.STARTING
    assert state_since(status) == status.lease.wanted_at
    has_failed = state("failures = 1")
    is_late = state("failures = 0, wanted_at = now() - interval '21 s'")
    came_and_went = state("started_at = now(), wanted_at = now() - interval '2 s'")
    assert {stopped_long_ago, has_failed, is_late, came_and_went} == {StreamState.DEAD}


def test_another_source_is_looked_at_when_asked(environment: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.csv").write_text("1")
    content = json.loads(run("status", "--json", "--source", str(tmp_path / "other")).stdout)
    assert content["waiting"]["files"] == 1


def test_files_that_are_not_read_by_their_names_are_counted_and_some_are_named(environment: Path) -> None:
    for name in ("a.csv.part", ".b.csv", "c.TMP", "d.csv~"):
        (environment / name).touch()
    shown = json.loads(run("status", "--json").stdout)["waiting"]
    assert (shown["files"], shown["ignored"]) == (0, 4)
    assert shown["ignored_paths"] == [".b.csv", "a.csv.part", "c.TMP", "d.csv~"]
    text = run("status").stdout
    assert "4 not read, by their names: .b.csv, a.csv.part, c.TMP, …" in text


def test_a_missing_events_directory_is_said(environment: Path) -> None:
    environment.rmdir()
    assert "this directory is not there" in run("status").stdout


@pytest.mark.usefixtures("environment")
def test_a_database_without_the_schema_is_one_sentence(database: Database) -> None:
    run_sql(database.owner_url, "DROP TABLE stream_lease")
    result = run("status")
    assert result.exit_code == 2
    assert "run `clickstream setup-db`" in result.stderr


def test_verify_exits_0_where_conservation_holds_and_1_with_the_offenders_where_not(
    database: Database, environment: Path
) -> None:
    consistent_history(database.owner_url)
    nowhere = (
        "UPDATE ingest_files SET status = 'changed', reason = 'gone', chunks_open = 0 WHERE file_id > 5",
    )
    for change in (*nowhere, "DELETE FROM ingest_chunks"):  # no test file is on disk
        run_sql(database.owner_url, change)
    result = run("verify")
    assert (result.exit_code, result.stdout.splitlines()[0]) == (
        0,
        "Conservation holds: 27 rows read = 14 inserted + 10 duplicate + 3 rejected",
    )
    run_sql(database.owner_url, "DELETE FROM events WHERE file_id = 1 AND line_no = 2")
    broken = run("verify")
    assert broken.exit_code == 1
    assert "file 1 (one.csv): 3 rows inserted, but 2 events are stored" in broken.stdout
    content = json.loads(run("verify", "--json").stdout)
    assert content["offence_count"] == 2
    assert content["offences"][1]["numbers"] == {"rows_inserted": 3, "events": 2}


@pytest.fixture
def letters(database: Database) -> LedgerBooks:
    books = LedgerBooks(database.owner_url)
    books.add_file("a.csv", status="committed", layout_id=books.add_layout(["user_id", "price"]))
    books.add_reject(1, 2, b"u1,\x1b[31mred\n")
    return books


@pytest.mark.usefixtures("letters")
def test_the_commands_of_rejects_list_export_and_replay(environment: Path, tmp_path: Path) -> None:
    listed = run("rejects", "list").stdout
    assert "a.csv line 2 (file 1), invalid_price" in listed
    assert "u1,\\x1b[31mred" in listed
    assert json.loads(run("rejects", "list", "--json").stdout)["reasons"][0]["rows"] == 1
    assert run("rejects", "list", "--file", "1", "--since", "1h").stdout == listed
    assert run("rejects", "list", "--file", "b.csv").stdout == "No rejected rows.\n"
    out = tmp_path / "out.csv"
    assert "1 rejected rows" in run("rejects", "export", "--out", str(out)).stdout
    assert "1 rejected rows" in run("rejects", "export", "--out", f"{out}l", "--format", "jsonl").stdout
    out.write_bytes(out.read_bytes().replace(b"\x1b[31mred", b"1"))
    assert "1 rows sent back as replayed-" in run("rejects", "replay", str(out)).stdout
    assert "1 rows were sent back before" in run("rejects", "replay", str(out)).stdout
    assert len(list(environment.iterdir())) == 1
    assert "0 rows sent back" in run("rejects", "replay", "--reason", "invalid_price").stdout
    assert "1 rows sent back" in run("rejects", "replay", "--reason", "invalid_price", "--again").stdout


@pytest.mark.usefixtures("letters", "environment")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("rejects", "replay"), "give either a repaired file"),
        (("rejects", "replay", "{csv}", "--reason", "x"), "give either a repaired file"),
        (("rejects", "replay", "{csv}"), "is not replayed: its header has no column replay_of"),
        (("rejects", "export", "--out", "{csv}/x.csv"), "cannot be used: Not a directory"),
        (("rejects", "list", "--since", "yesterday"), "give an age like 30m"),
    ],
)
def test_a_mistake_is_one_sentence_and_no_traceback(
    arguments: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    csv = tmp_path / "wrong.csv"
    csv.write_text("user_id\nu\n")
    result = run(*(argument.format(csv=csv) for argument in arguments))
    assert result.exit_code != 0
    assert message in result.stderr


@pytest.mark.usefixtures("stream")
def test_a_file_that_waits_for_the_end_of_its_last_line_is_named(environment: Path) -> None:
    (environment / "whole.csv").write_bytes(b"user_id\n1\n")
    (environment / "cut.csv").write_bytes(b"user_id\n1")
    said = run("status").stdout
    assert "1 file waits for the end of its last line: cut.csv" in said
    assert json.loads(run("status", "--json").stdout)["waiting"]["unterminated_paths"] == ["cut.csv"]
