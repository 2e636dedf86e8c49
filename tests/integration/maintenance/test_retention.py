"""Retention over a real database. Guards against history that is dropped without a word in the books, that comes back,
or that takes its summaries with it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import psycopg2
import psycopg2.errors
import pytest
from control_plane import wait_until
from databases import Database, run_sql
from ledger_books import LedgerBooks, Part, consistent_history
from psycopg2.extensions import connection as Connection

from clickstream_assets.conservation.audit import verify, verify_recent
from clickstream_assets.conservation.outcome import Audit
from clickstream_assets.database import connect
from clickstream_assets.file_names import EventsDirectory
from clickstream_assets.ledger.reads import read_dropped
from clickstream_assets.maintenance import retention
from clickstream_assets.maintenance.steps import Maintenance, StepResult, run_step
from clickstream_assets.monitoring.status import read_status
from clickstream_assets.monitoring.status_line import status_line
from clickstream_assets.monitoring.status_text import status_text
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.postgres.roles import Role
from clickstream_assets.settings import Settings
from clickstream_assets.summaries import refresh as summaries

DAYS = 60  # the events of ledger_books are of March 2026


@pytest.fixture
def books(database: Database) -> LedgerBooks:
    """All kinds of files in March, and one event of today."""
    books = consistent_history(database.owner_url)
    today = books.add_file("today.csv", expected=1, chunks=1)
    books.commit(Part(today, inserted=1))
    run_sql(database.owner_url, "SELECT ensure_event_partitions(ARRAY[now()::date])")
    run_sql(database.owner_url, "UPDATE events SET event_time = now() WHERE file_id = %(id)s", {"id": today})
    return books


@pytest.fixture
def drop(database: Database, tmp_path: Path) -> Callable[[], StepResult]:
    """What the job does, with 60 days to keep."""
    settings = Settings.from_env(
        {
            "CLICKSTREAM_HOME": str(tmp_path),
            "CLICKSTREAM_DATABASE_URL": database.owner_url,
            "CLICKSTREAM_RETENTION_DAYS": str(DAYS),
        }
    )
    return lambda: run_step(maintenance(settings, database), "drop_old_events")


def maintenance(settings: Settings, database: Database) -> Maintenance:
    urls: dict[Role, str] = {
        "owner": database.owner_url,
        "writer": database.writer_url,
        "reader": database.reader_url,
    }
    return Maintenance(Connections(settings, "tests", urls))


def audit(database: Database, since: int | None = None) -> Audit:
    connection = connect(database.reader_url, "tests", autocommit=True)
    try:
        return verify(connection, None) if since is None else verify_recent(connection, since)
    finally:
        connection.close()


def test_old_partitions_go_and_the_audit_stays_exact_and_says_so(
    database: Database, books: LedgerBooks, drop: Callable[[], StepResult]
) -> None:
    before = audit(database)
    done = drop()
    assert not done.problem
    assert done.numbers["rows_dropped"] == 14
    assert done.numbers["partitions"] == "events_y2026m03"
    assert run_sql(database.owner_url, "SELECT count(*)::int FROM events") == [(1,)]
    after = audit(database)
    assert after.offences == ()
    assert after.counts == before.counts
    assert after.rows_dropped == 14
    assert audit(database, since=0).ok
    assert drop().numbers["partitions_dropped"] == 0


def test_an_event_lost_beside_those_that_were_dropped_is_still_an_offence(
    database: Database, books: LedgerBooks, drop: Callable[[], StepResult]
) -> None:
    drop()
    run_sql(database.owner_url, "DELETE FROM events")
    assert sorted(offence.rule for offence in audit(database).offences) == ["batch_inserted", "file_inserted"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ingest_files SET rows_dropped = rows_dropped + 1 WHERE file_id = 1",
        "UPDATE ingest_batches SET rows_dropped = rows_dropped - 1 WHERE batch_id = 1",
        "DELETE FROM dropped_partitions",
    ],
)
def test_books_about_what_was_dropped_that_do_not_agree_are_an_offence(
    database: Database, books: LedgerBooks, drop: Callable[[], StepResult], statement: str
) -> None:
    drop()
    run_sql(database.owner_url, statement)
    assert "totals" in {offence.rule for offence in audit(database).offences}


def test_status_counts_what_is_stored_and_names_what_was_dropped(
    database: Database, books: LedgerBooks, drop: Callable[[], StepResult], tmp_path: Path
) -> None:
    drop()
    connection = connect(database.reader_url, "tests", autocommit=True)
    try:
        status = read_status(connection, EventsDirectory(tmp_path))
        assert read_dropped(connection).rows == 14
    finally:
        connection.close()
    assert "1 events stored" in status_line(status)
    assert "14 of the inserted were dropped, before 2026-04-01 00:00:00 UTC; 1 are stored" in status_text(
        status
    )


def test_summaries_take_all_in_before_and_keep_the_days_that_were_dropped(
    database: Database, books: LedgerBooks, drop: Callable[[], StepResult]
) -> None:
    drop()  # nothing had been refreshed before
    history = "SELECT events::int FROM hourly_traffic WHERE hour < '2026-04-01' ORDER BY hour"
    assert run_sql(database.owner_url, history) == [(14,)]
    funnel = run_sql(database.owner_url, "SELECT * FROM conversion_funnel ORDER BY day")
    connection = connect(database.writer_url, "tests", autocommit=True)
    try:
        for name in summaries.NAMES:
            summaries.rebuild(connection, name)
            if name in ("sessions", "product_performance", "hourly_traffic"):  # the others follow sessions
                with pytest.raises(summaries.SummaryError, match="no events of 2026-03-01 are stored"):
                    summaries.rebuild_day(connection, name, date(2026, 3, 1))
    finally:
        connection.close()
    assert run_sql(database.owner_url, history) == [(14,)]
    assert run_sql(database.owner_url, "SELECT * FROM conversion_funnel ORDER BY day") == funnel


def test_what_was_dropped_does_not_come_back(
    database: Database, books: LedgerBooks, drop: Callable[[], StepResult]
) -> None:
    drop()
    for month in ("2026-03-01", "2025-12-01"):
        with pytest.raises(psycopg2.errors.RaiseException, match="dropped by retention"):
            run_sql(database.writer_url, f"SELECT ensure_event_partitions(ARRAY['{month}'::date])")
    assert run_sql(database.writer_url, "SELECT ensure_event_partitions(ARRAY['2026-04-01'::date])") == [(1,)]


def test_the_writer_cannot_drop(database: Database, books: LedgerBooks) -> None:
    for statement in (
        "SELECT drop_oldest_event_partition(now())",
        "DROP TABLE events_y2026m03",
        "ALTER TABLE events DETACH PARTITION events_y2026m03",
        "INSERT INTO dropped_partitions VALUES ('x', now(), now(), 1)",
    ):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            run_sql(database.writer_url, statement)


def test_a_long_query_postpones_it_and_nothing_is_half_done(
    database: Database,
    books: LedgerBooks,
    drop: Callable[[], StepResult],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retention, "LOCK_LIMIT", "100ms")
    reader = connect(database.reader_url, "tests")
    try:
        reader.cursor().execute("SELECT count(*) FROM events")
        done = drop()
    finally:
        reader.close()
    assert done.problem
    assert "in use by a query" in done.sentence
    assert run_sql(database.owner_url, "SELECT count(*)::int FROM events") == [(15,)]
    assert audit(database).rows_dropped == 0
    assert audit(database).ok
    assert not drop().problem


def test_without_the_setting_nothing_is_dropped(database: Database, books: LedgerBooks) -> None:
    settings = Settings.from_env({"CLICKSTREAM_DATABASE_URL": database.owner_url})
    done = run_step(maintenance(settings, database), "drop_old_events")
    assert done.numbers == {}
    assert run_sql(database.owner_url, "SELECT count(*)::int FROM events") == [(15,)]


def test_a_batch_that_commits_between_the_refresh_and_the_drop_is_counted_before_it_goes(
    database: Database,
    books: LedgerBooks,
    drop: Callable[[], StepResult],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """30,000 rows were once dropped that no summary had seen: the batch came after the last refresh."""
    refresh, late = summaries.refresh, []

    def refresh_then_commit(connection: Connection, name: str, **limits: int) -> summaries.Refresh:
        done = refresh(connection, name, **limits)
        if name == summaries.NAMES[-1] and not late:
            late.append(books.add_file("late.csv", expected=3, chunks=1))
            books.commit(Part(late[0], inserted=3))
        return done

    monkeypatch.setattr(summaries, "refresh", refresh_then_commit)
    done = drop()
    assert late
    assert not done.problem
    assert done.numbers["rows_dropped"] == 17
    counted = "SELECT sum(events)::int FROM hourly_traffic WHERE hour < '2026-04-01'"
    assert run_sql(database.owner_url, counted) == [(17,)]
    assert audit(database).ok


def test_batches_that_keep_coming_postpone_the_drop(
    database: Database,
    books: LedgerBooks,
    drop: Callable[[], StepResult],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refresh = summaries.refresh

    def refresh_then_commit(connection: Connection, name: str, **limits: int) -> summaries.Refresh:
        done = refresh(connection, name, **limits)
        if name == summaries.NAMES[-1]:
            books.commit(Part(books.add_file("late.csv", expected=1, chunks=1), inserted=1))
        return done

    monkeypatch.setattr(summaries, "refresh", refresh_then_commit)
    done = drop()
    assert done.problem
    assert "events_y2026m03 holds events of batch" in done.sentence
    assert done.numbers["rows_dropped"] == 0


def test_a_batch_that_commits_while_the_drop_waits_for_it_is_seen(
    database: Database, books: LedgerBooks
) -> None:
    """The owner counts what is committed once it has the partition to itself, not what it saw before."""
    writer = connect(database.writer_url, "tests", autocommit=True)
    for name in summaries.NAMES:
        summaries.refresh(writer, name)
    writer.close()
    stream = connect(database.owner_url, "tests")
    owner = connect(database.owner_url, "tests-drop")
    try:
        with stream.cursor() as cursor:
            cursor.execute("UPDATE events_y2026m03 SET batch_id = 99")
            with ThreadPoolExecutor(1) as pool:
                done = pool.submit(retention._drop_counted, owner, DAYS, [])
                waiting = "SELECT count(*)::int FROM pg_stat_activity WHERE application_name = 'tests-drop' "
                wait_until(
                    lambda: run_sql(database.owner_url, waiting + "AND wait_event = 'relation'") == [(1,)]
                )
                stream.commit()
                with pytest.raises(psycopg2.errors.ObjectNotInPrerequisiteState, match="batch 99"):
                    done.result()
    finally:
        stream.close()
        owner.close()
