"""The sink where something goes otherwise: files that change, rows that PostgreSQL refuses, unforeseen duplicates."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from databases import Database, run_sql
from psycopg2.errors import InsufficientPrivilege
from sink_runs import SinkRuns
from stream_pipeline import event

CHUNK = 6_000  # bytes


@pytest.fixture
def sink(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SinkRuns:
    monkeypatch.setattr("spark.content.blocks.BLOCK_BYTES", CHUNK // 4)  # chunks end where blocks do
    (tmp_path / "events").mkdir()
    return SinkRuns(database, tmp_path / "events", tmp_path / "spool")


def files(sink: SinkRuns) -> list[tuple[object, ...]]:
    return sink.rows(
        "SELECT path, status, rows_read::int, rows_inserted::int, rows_duplicate::int, rows_rejected::int"
        " FROM ingest_files ORDER BY file_id"
    )


@pytest.mark.parametrize("handover", ["spool", "upload", "blocks"])
@pytest.mark.parametrize("noticed_by", [0, 1, 2, 3])
def test_of_a_file_that_changes_while_its_batch_runs_no_row_stays(
    sink: SinkRuns, noticed_by: int, handover: Literal["spool", "upload", "blocks"]
) -> None:
    sink.handover = handover
    changing = sink.write("changing.csv", "bad\n" + "".join(event(number) for number in range(400)))
    sink.register(changing, CHUNK)
    sink.register(sink.write("stays.csv", event(5) + event(1_000) + "bad\n"))
    assert sink.chunks() >= 4

    def change(task: int) -> None:
        if task == noticed_by:
            with changing.open("a") as file:
                file.write(event(5_000))

    sink.load(before=change)
    assert files(sink) == [("changing.csv", "changed", 0, 0, 0, 0), ("stays.csv", "committed", 3, 2, 0, 1)]
    assert sink.rows("SELECT line_no::int FROM events ORDER BY 1") == [(2,), (3,)]
    assert sink.rows("SELECT count(*)::int FROM ingest_chunks") == [(0,)]
    sink.assert_conserved()
    sink.register(changing)
    sink.load()
    assert files(sink)[2] == ("changing.csv", "committed", 402, 400, 1, 1)
    sink.assert_conserved()


def test_a_purchase_that_is_there_twice_in_a_file_is_kept_whatever_micro_batches_the_file_spans(
    sink: SinkRuns,
) -> None:
    sink.identical_rows = "keep"
    twice = event(7, event_id="", action_type="purchase")
    rows = [event(number, event_id="") for number in range(300)]
    path = sink.write("shop.csv", twice + "".join(rows) + twice + twice)
    sink.register(path, CHUNK)
    assert sink.chunks() >= 3
    sink.load(*[1] * sink.chunks())
    assert files(sink) == [("shop.csv", "committed", 303, 303, 0, 0)]
    ids = sink.rows("SELECT event_id FROM events WHERE action_type = 'purchase'")
    assert len(set(ids)) == 3
    # The same rows in another file are the same events, whatever chunks and batches that one has.
    again = sink.write("again.csv", twice + twice + twice + "".join(rows) + event(8_000))
    sink.register(again)
    sink.load()
    assert files(sink)[1] == ("again.csv", "committed", 304, 1, 303, 0)
    sink.assert_conserved()


def test_occurrences_are_counted_from_the_file_where_what_was_counted_is_lost(sink: SinkRuns) -> None:
    sink.identical_rows = "keep"
    twice = event(7, event_id="", action_type="purchase")
    rows = "".join(event(number, event_id="") for number in range(200))
    sink.register(sink.write("shop.csv", twice + rows + twice), CHUNK)
    sink.load(1, sink.chunks() - 1, before=lambda _: forget(sink.spool / "occurrences"))
    assert files(sink) == [("shop.csv", "committed", 202, 202, 0, 0)]
    sink.assert_conserved()


def forget(directory: Path) -> None:
    for path in directory.glob("*"):
        path.unlink()


REFUSALS = {
    "a CHECK": ("ALTER TABLE events ADD CHECK (product_id <> 'forbidden')", "violates check constraint"),
    "a trigger that raises": (
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF NEW.product_id = 'forbidden' THEN RAISE EXCEPTION 'product % is not sold', NEW.product_id; END IF;"
        " RETURN NEW; END $$;"
        " CREATE TRIGGER refuse BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION refuse()",
        "product forbidden is not sold",
    ),
    "a trigger that drops the row": (
        "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF NEW.product_id = 'forbidden' THEN RETURN NULL; END IF; RETURN NEW; END $$;"
        " CREATE TRIGGER swallow BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION swallow()",
        "A trigger on events kept the row from being stored.",
    ),
    "a deferred constraint trigger": (
        "CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF NEW.product_id = 'forbidden' THEN RAISE EXCEPTION 'found out late'; END IF; RETURN NULL; END $$;"
        " CREATE CONSTRAINT TRIGGER late AFTER INSERT ON events DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION late()",
        "found out late",
    ),
    "a value that does not fit": (
        "ALTER TABLE events ALTER COLUMN product_id TYPE varchar(8)", "value too long for type character varying(8)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", list(REFUSALS))
def test_what_the_database_refuses_is_one_reject_with_its_own_sentence(sink: SinkRuns, kind: str) -> None:
    statement, said = REFUSALS[kind]
    run_sql(sink.database.owner_url, statement)
    forbidden = [10, 11, 250, 399]
    rows = [event(n, product_id="forbidden") if n in forbidden else event(n) for n in range(400)]
    sink.register(sink.write("shop.csv", "".join(rows) + event(3) + "bad\n"), CHUNK)
    sink.load()
    assert files(sink) == [("shop.csv", "committed", 402, 396, 1, 5)]
    rejected = sink.rows(
        "SELECT line_no::int, reason, detail, convert_from(raw, 'UTF8') || chr(10), byte_length::int"
        " FROM rejected_events WHERE reason <> 'field_count' ORDER BY line_no"
    )
    assert [row[0] for row in rejected] == [n + 2 for n in forbidden]
    assert all(row[1] == "refused_by_database" and said in str(row[2]) for row in rejected), rejected
    assert [row[3] for row in rejected] == [rows[n] for n in forbidden]
    assert all(row[4] == len(str(row[3])) for row in rejected)
    sink.assert_conserved()


def test_a_file_that_changed_under_a_refused_row_goes_with_all_of_its_rows(sink: SinkRuns) -> None:
    run_sql(sink.database.owner_url, REFUSALS["a CHECK"][0])
    path = sink.write("shop.csv", event(1, product_id="forbidden") + event(2))
    sink.register(path)
    sink.register(sink.write("stays.csv", event(2)))

    def change(task: int) -> None:
        if task == 1:  # the first file's rows are cleaned and spooled by then
            path.write_text("other")

    sink.load(before=change)
    assert files(sink) == [("shop.csv", "changed", 0, 0, 0, 0), ("stays.csv", "committed", 1, 1, 0, 0)]
    sink.assert_conserved()


def test_an_event_that_another_program_stored_is_found_by_the_unique_key(sink: SinkRuns) -> None:
    sink.register(sink.write("1.csv", event(1)))
    sink.load()
    run_sql(
        sink.database.owner_url,
        "INSERT INTO events SELECT (e).* FROM (SELECT jsonb_populate_record(e, jsonb_build_object("
        "'id', 999999, 'event_id', '00000000-0000-4000-8000-000000000003', 'event_time', '2026-01-01T00:00:03Z'))"
        " AS e FROM events AS e) AS copy",
    )
    sink.register(sink.write("2.csv", event(3) + event(4) + event(5)))
    sink.load()
    assert files(sink)[1] == ("2.csv", "committed", 3, 2, 1, 0)


def test_duplicates_within_and_across_parts_and_batches_leave_the_earliest_row(sink: SinkRuns) -> None:
    first = "".join(event(n) for n in range(200)) + "".join(event(n) for n in range(0, 200, 2))
    second = "".join(event(n, price="1.00") for n in range(100, 300))
    sink.register(sink.write("1.csv", first), CHUNK)
    sink.register(sink.write("2.csv", second), CHUNK)
    sink.load(2, sink.chunks() - 2)
    assert files(sink) == [
        ("1.csv", "committed", 300, 200, 100, 0),
        ("2.csv", "committed", 200, 100, 100, 0),
    ]
    stored = sink.rows("SELECT file_id::int, line_no::int, price::text FROM events ORDER BY event_id")
    assert stored == [(1, n + 2, "9.99") for n in range(200)] + [(2, n - 98, "1.00") for n in range(200, 300)]
    assert sink.rows("SELECT count(*)::int FROM event_conflicts") == [(100,)]
    sink.assert_conserved()


def test_the_spool_is_empty_afterwards(sink: SinkRuns) -> None:
    sink.register(sink.write("1.csv", event(1)))
    sink.load()
    assert list(sink.spool.iterdir()) == []


def test_a_large_commit_that_fails_is_known_although_no_micro_batch_follows(
    sink: SinkRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spark has gone on by then, and asks for nothing until the next file comes."""
    monkeypatch.setattr("spark.sink.batch_run.SMALL_ROWS", 0)
    sink.register(sink.write("1.csv", event(1)))
    run_sql(sink.database.owner_url, "REVOKE INSERT ON ingest_batches FROM clickstream_writer")
    with pytest.raises(InsufficientPrivilege):
        sink.load()
    assert sink.writer is not None
    assert isinstance(sink.writer.error, InsufficientPrivilege)
    assert sink.chunks() == 1
    run_sql(sink.database.owner_url, "GRANT INSERT ON ingest_batches TO clickstream_writer")
    sink.load()
    assert sink.writer.error is None
    assert files(sink) == [("1.csv", "committed", 1, 1, 0, 0)]


def test_a_task_that_is_run_again_after_jdbc_committed_it_is_stored_once(sink: SinkRuns) -> None:
    sink.handover, sink.attempts = "blocks", 2
    sink.register(sink.write("1.csv", "".join(event(number) for number in range(400)) + "bad\n"), CHUNK)
    assert sink.chunks() >= 3
    sink.load()
    assert files(sink) == [("1.csv", "committed", 401, 400, 0, 1)]
    sink.assert_conserved()


@pytest.mark.parametrize("handover", ["upload", "spool", "blocks"])
def test_staged_rows_that_turn_out_to_be_no_news_are_stored_by_the_key(
    sink: SinkRuns, handover: Literal["upload", "spool", "blocks"], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spark.sink.plain_insert.MIN_ROWS", 1)
    sink.handover = handover
    sink.register(sink.write("new.csv", "".join(event(number) for number in range(300))))
    sink.load()
    again = "".join(event(number) for number in range(200, 400)) + event(399) + event(399, product_id="other")
    sink.register(sink.write("again.csv", again))
    sink.load()
    sink.register(sink.write("newer.csv", "".join(event(number) for number in range(500, 600))))
    sink.load()
    assert files(sink) == [
        ("new.csv", "committed", 300, 300, 0, 0),
        ("again.csv", "committed", 202, 100, 102, 0),
        ("newer.csv", "committed", 100, 100, 0, 0),
    ]
    assert sink.rows("SELECT count(*)::int FROM event_conflicts") == [(1,)]
    sink.assert_conserved()
