"""What the summaries promise beyond their numbers: two at once, failures, dropped partitions, lost books.

Guards against a refresh that commits its record apart from its rows, and a rebuild that forgets what it can no longer
recompute.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import psycopg2
import psycopg2.errors
import pytest
from databases import Database, run_sql
from psycopg2.extensions import connection as Connection
from summary_data import Event, assert_exact, fetch, refresh_all, store_batch, stored

from clickstream_assets.database import connect
from clickstream_assets.summaries import refresh as summaries
from clickstream_assets.summaries import user_agents
from clickstream_assets.summaries.catalogue import SUMMARIES
from clickstream_assets.summaries.transaction import transaction

JANUARY = datetime(2024, 1, 31, 23, 30, tzinfo=UTC)
FEBRUARY = JANUARY + timedelta(hours=1)
READERS_OF_EVENTS = ("user_agents", "product_performance", "hourly_traffic", "sessions")
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1 Version/17.0 Mobile/15E1 Safari/604.1"


def state(connection: Connection) -> list[tuple[object, ...]]:
    return fetch(
        connection,
        "SELECT summary, through_batch_id, last_event_id, generation, row_count FROM summary_state ORDER BY 1",
    )


def waits_for_a_lock(database: Database, application: str) -> bool:
    statement = (
        "SELECT 1 FROM pg_stat_activity WHERE application_name = %(name)s AND wait_event_type = 'Lock'"
    )
    return bool(run_sql(database.owner_url, statement, {"name": application}))


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 20  # seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def events_read(connection: Connection) -> int:
    """Rows of events that statements have read so far, by index or without, as PostgreSQL counts them."""
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
    ((rows,),) = fetch(
        connection,
        "SELECT sum(seq_tup_read + idx_tup_fetch)::bigint FROM pg_stat_user_tables WHERE relname LIKE 'events%'",
    )
    assert isinstance(rows, int)
    return rows


def drop_january(database: Database) -> None:
    run_sql(database.owner_url, "DROP TABLE events_y2024m01")


def test_a_late_event_moves_its_session_to_the_earlier_day(writer: Connection) -> None:
    store_batch(writer, [Event(FEBRUARY, "s1", "purchase", Decimal("9.50"), user_agent=None)])
    refresh_all(writer)
    assert fetch(writer, "SELECT day, sessions, revenue FROM conversion_funnel") == [
        (date(2024, 2, 1), 1, Decimal("9.50"))
    ]
    store_batch(writer, [Event(JANUARY, "s1", user_id="earlier", user_agent=PHONE)])
    refresh_all(writer)
    assert fetch(writer, "SELECT day, sessions, viewed, purchased, revenue FROM conversion_funnel") == [
        (date(2024, 1, 31), 1, 1, 1, Decimal("9.50"))
    ]
    assert fetch(writer, "SELECT day, device, browser, events FROM device_usage") == [
        (date(2024, 1, 31), "phone", "Mobile Safari", 2)
    ]
    assert fetch(writer, "SELECT user_id, started_at FROM sessions") == [("earlier", JANUARY)]
    assert_exact(writer)


def test_the_first_event_among_equals_in_time_is_the_one_stored_first(writer: Connection) -> None:
    for user_id in ("first", "second"):
        store_batch(writer, [Event(JANUARY, user_id=user_id)])
        summaries.refresh(writer, "sessions")
    assert fetch(writer, "SELECT user_id FROM sessions") == [("first",)]


def test_rates_over_nothing_are_null_and_missing_prices_count_nothing(writer: Connection) -> None:
    store_batch(writer, [Event(JANUARY, "s1", "purchase", None)])
    refresh_all(writer)
    assert fetch(writer, "SELECT revenue, min_price, cart_rate, purchase_rate FROM product_performance") == [
        (0, None, None, None)
    ]
    assert fetch(writer, "SELECT conversion_rate, abandonment_rate FROM conversion_funnel") == [(1, None)]


def test_days_and_hours_are_utc_whatever_the_connection_says(database: Database, writer: Connection) -> None:
    store_batch(writer, [Event(JANUARY)])
    elsewhere = psycopg2.connect(database.writer_url, options="-c timezone=Asia/Kolkata")
    try:
        refresh_all(elsewhere)
    finally:
        elsewhere.close()
    assert_exact(writer)
    assert fetch(writer, "SELECT day FROM conversion_funnel") == [(date(2024, 1, 31),)]


def test_ids_and_user_agents_of_any_length_are_summarised(writer: Connection) -> None:
    # Random text does not compress, and an index entry holds 2.7 KB: the row would be refused for ever.
    ((long,),) = fetch(writer, "SELECT string_agg(gen_random_uuid()::text, 'é') FROM generate_series(1, 200)")
    store_batch(
        writer,
        [
            Event(JANUARY, long + "1", product_id=long + "1", user_id=long, user_agent=long + "1"),
            Event(JANUARY, long + "2", product_id=long + "2", user_id=long, user_agent=long + "2"),
            Event(FEBRUARY, long + "2", product_id=long + "2", user_id=long, user_agent=""),
        ],
    )
    refresh_all(writer)
    for name in ("sessions", "user_agents"):
        summaries.rebuild(writer, name)
        summaries.refresh(writer, "sessions")
    assert fetch(writer, "SELECT events FROM sessions ORDER BY 1") == [(1,), (2,)]
    assert fetch(writer, "SELECT count(DISTINCT product_id) FROM product_performance") == [(2,)]
    assert fetch(writer, "SELECT count(*) FROM user_agents") == [(3,)]
    assert fetch(writer, "SELECT count(user_agent_id) FROM sessions") == [(2,)]


@pytest.mark.parametrize("summary", summaries.NAMES)
def test_two_refreshes_at_once_count_each_batch_once(
    database: Database, writer: Connection, summary: str
) -> None:
    store_batch(writer, [Event(JANUARY, f"s{n}", "purchase", Decimal(1), user_agent=PHONE) for n in range(5)])
    for other in summaries.NAMES[: summaries.NAMES.index(summary)]:
        summaries.refresh(writer, other)
    second = connect(database.writer_url, "second")
    thread = threading.Thread(target=summaries.refresh, args=(second, summary))
    with transaction(writer) as run:
        old = run.lock(summary)
        run.record(SUMMARIES[summary].take_in(run, old, 1000).record)
        thread.start()
        wait_until(lambda: waits_for_a_lock(database, "second"))
    thread.join()
    second.close()
    refresh_all(writer)
    assert_exact(writer)


def test_refreshes_and_rebuilds_at_once_end_in_what_the_events_say(
    database: Database, writer: Connection
) -> None:
    failures: list[BaseException] = []

    def work() -> None:
        connection = connect(database.writer_url, "tests")
        try:
            for _ in range(4):
                refresh_all(connection)
                summaries.rebuild(connection, "sessions")
        except BaseException as failure:  # noqa: BLE001 shown by the assertion below
            failures.append(failure)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for n in range(8):
        store_batch(writer, [Event(JANUARY + timedelta(minutes=n), f"s{n + m}") for m in range(5)])
    for thread in threads:
        thread.join()
    assert failures == []
    refresh_all(writer)
    assert_exact(writer)


def test_a_batch_is_stored_while_a_refresh_is_under_way(database: Database, writer: Connection) -> None:
    store_batch(writer, [Event(JANUARY)])
    with transaction(writer) as run:
        for name in READERS_OF_EVENTS:
            taken = SUMMARIES[name].take_in(run, run.lock(name), 1000)
            assert taken.added.events == 1
            run.record(taken.record)
        # All is done and not committed. Now the stream stores a batch, of a new month at that: to make its
        # partition locks more than to insert.
        stream = psycopg2.connect(database.writer_url, options="-c lock_timeout=5s")
        try:
            store_batch(stream, [Event(FEBRUARY)])
        finally:
            stream.close()
    refresh_all(writer)
    assert_exact(writer)


@pytest.mark.parametrize("summary", summaries.NAMES)
def test_a_refresh_that_fails_at_its_end_changes_nothing(
    database: Database, writer: Connection, summary: str
) -> None:
    store_batch(writer, [Event(JANUARY, user_agent=PHONE)])
    refresh_all(writer)
    store_batch(writer, [Event(FEBRUARY, "s2", user_agent="another"), Event(FEBRUARY, user_agent="another")])
    for other in summaries.NAMES[: summaries.NAMES.index(summary)]:
        summaries.refresh(writer, other)
    before = fetch(writer, f"SELECT * FROM {summary}"), state(writer)
    run_sql(
        database.owner_url,
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'the disk is full'; END $$; "
        f"CREATE TRIGGER fail BEFORE UPDATE ON summary_state FOR EACH ROW WHEN (NEW.summary = '{summary}') "
        "EXECUTE FUNCTION fail()",
    )
    automatic = connect(database.writer_url, "tests", autocommit=True)  # as Dagster's resource gives it
    try:
        for connection in (writer, automatic):
            for act in (summaries.refresh, summaries.rebuild):
                with pytest.raises(psycopg2.errors.RaiseException):
                    act(connection, summary)
    finally:
        automatic.close()
    assert (fetch(writer, f"SELECT * FROM {summary}"), state(writer)) == before
    run_sql(database.owner_url, "DROP TRIGGER fail ON summary_state")
    refresh_all(writer)
    assert_exact(writer)


def test_a_rebuild_keeps_what_came_from_dropped_partitions(database: Database, writer: Connection) -> None:
    store_batch(
        writer,
        [Event(JANUARY, "both"), Event(JANUARY, "old"), Event(FEBRUARY, "both", "purchase", Decimal(5))],
    )
    store_batch(writer, [Event(FEBRUARY, "new")])
    refresh_all(writer)
    before = {name: stored(writer, name) for name in summaries.NAMES if name != "user_agents"}
    drop_january(database)
    for name in summaries.NAMES:
        summaries.rebuild(writer, name)
    assert {name: stored(writer, name) for name in before} == before
    # A kept session still takes new events in, before and with a rebuild.
    store_batch(writer, [Event(FEBRUARY + timedelta(hours=1), "both")])
    summaries.rebuild(writer, "sessions")
    store_batch(writer, [Event(FEBRUARY + timedelta(hours=2), "both")])
    refresh_all(writer)
    assert fetch(writer, "SELECT events, views FROM sessions WHERE session_id = 'both'") == [(4, 3)]
    assert fetch(writer, "SELECT sessions, purchased FROM conversion_funnel ORDER BY day") == [(2, 1), (1, 0)]


def test_a_rebuild_mends_rows_that_were_tampered_with(database: Database, writer: Connection) -> None:
    store_batch(writer, [Event(JANUARY, "s1"), Event(FEBRUARY, "s2")])
    refresh_all(writer)
    for statement in (
        "UPDATE sessions SET started_at = '2024-01-05' WHERE session_id = 's1'",
        "UPDATE sessions SET session_id = 'ghost' WHERE session_id = 's2'",
        "UPDATE product_performance SET views = 7",
        "DELETE FROM hourly_traffic",
        "UPDATE conversion_funnel SET day = day - 3",
        "DELETE FROM device_usage",
        "DELETE FROM user_agents",
    ):
        run_sql(database.owner_url, statement)
    for name in summaries.NAMES:
        summaries.rebuild(writer, name)
    assert_exact(writer)


@pytest.mark.parametrize("summary", summaries.NAMES[1:])
def test_a_day_is_mended_alone(database: Database, writer: Connection, summary: str) -> None:
    store_batch(writer, [Event(JANUARY, "s1"), Event(FEBRUARY, "s1"), Event(FEBRUARY, "s2")])
    refresh_all(writer)
    run_sql(database.owner_url, f"UPDATE {summary} SET revenue = 99")
    summaries.rebuild_day(writer, summary, date(2024, 2, 1))
    column = {"sessions": "started_at", "hourly_traffic": "hour"}.get(summary, "day")
    wrong = fetch(writer, f"SELECT {column}::date FROM {summary} WHERE revenue = 99")
    # s1 started in January and has an event on the day: it is a session of both.
    assert wrong == ([] if summary == "sessions" else [(date(2024, 1, 31),)])
    summaries.rebuild_day(writer, summary, date(2024, 1, 31))
    refresh_all(writer)
    assert_exact(writer)


def test_a_day_whose_events_were_dropped_is_left_alone_with_a_sentence(
    database: Database, writer: Connection
) -> None:
    store_batch(writer, [Event(JANUARY), Event(FEBRUARY)])
    refresh_all(writer)
    before = {name: stored(writer, name) for name in summaries.NAMES if name != "user_agents"}
    drop_january(database)
    for name in ("sessions", "product_performance", "hourly_traffic"):
        with pytest.raises(summaries.SummaryError, match="no events of 2024-01-31 are stored"):
            summaries.rebuild_day(writer, name, date(2024, 1, 31))
    # The followers are made from sessions, which are all there.
    for name in ("conversion_funnel", "device_usage"):
        summaries.rebuild_day(writer, name, date(2024, 1, 31))
        with pytest.raises(summaries.SummaryError, match="no events of 2023-12-31 are stored"):
            summaries.rebuild_day(writer, name, date(2023, 12, 31))
    with pytest.raises(summaries.SummaryError, match="has no days"):
        summaries.rebuild_day(writer, "user_agents", date(2024, 1, 31))
    assert {name: stored(writer, name) for name in before} == before


def test_events_dropped_before_they_were_summarised_are_said_to_be_gone(
    database: Database, writer: Connection
) -> None:
    store_batch(writer, [Event(JANUARY), Event(FEBRUARY), Event(FEBRUARY)])
    drop_january(database)
    done = summaries.refresh(writer, "hourly_traffic")
    assert (done.batches, done.events, done.events_gone) == (1, 2, 1)
    assert summaries.refresh(writer, "hourly_traffic").events_gone == 0


def test_rows_are_found_by_their_batch_where_their_ids_are_not_the_newest(
    database: Database, writer: Connection
) -> None:
    store_batch(writer, [Event(JANUARY)])
    refresh_all(writer)
    run_sql(database.owner_url, "UPDATE summary_state SET last_event_id = 1000000 WHERE last_event_id > 0")
    store_batch(writer, [Event(FEBRUARY)])
    refresh_all(writer)
    assert_exact(writer)


def test_a_ledger_that_ends_before_the_record_is_said_not_guessed(
    database: Database, writer: Connection
) -> None:
    store_batch(writer, [Event(JANUARY)])
    refresh_all(writer)
    run_sql(database.owner_url, "TRUNCATE events, ingest_batches")
    with pytest.raises(summaries.SummaryError, match="recorded batch 1, but the ledger ends at batch 0"):
        summaries.refresh(writer, "hourly_traffic")
    for name in summaries.NAMES:
        summaries.rebuild(writer, name)
    store_batch(writer, [Event(FEBRUARY)])
    refresh_all(writer)
    assert_exact(writer)


def test_a_new_version_of_the_parser_reaches_known_strings_by_a_rebuild(
    writer: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_batch(writer, [Event(JANUARY, user_agent=PHONE)])
    refresh_all(writer)
    newer = user_agents.UserAgent("tv", "Fridge", "Fridge OS", "Fridge Browser")
    monkeypatch.setattr(user_agents, "parse", lambda _string: newer)
    summaries.rebuild(writer, "user_agents")
    assert fetch(writer, "SELECT user_agent_id, browser FROM user_agents") == [(1, "Fridge Browser")]
    summaries.rebuild(writer, "sessions")
    refresh_all(writer)
    assert fetch(writer, "SELECT device, browser FROM device_usage") == [("tv", "Fridge Browser")]
    assert_exact(writer)


def test_changes_of_sessions_are_kept_until_both_followers_have_them_and_no_longer(
    writer: Connection,
) -> None:
    changes = "SELECT DISTINCT through_batch_id FROM session_changes ORDER BY 1"

    def store_and_refresh(*names: str) -> None:
        store_batch(writer, [Event(JANUARY)])
        for name in names:
            summaries.refresh(writer, name)

    store_and_refresh("sessions")
    store_and_refresh("sessions", "conversion_funnel")
    store_and_refresh("sessions")
    assert fetch(writer, changes) == [(1,), (2,), (3,)]
    summaries.refresh(writer, "device_usage")
    store_and_refresh("sessions")
    assert fetch(writer, changes) == [(3,), (4,)]


def test_followers_recompute_once_after_a_rebuild_of_sessions_and_then_follow_again(
    writer: Connection,
) -> None:
    store_batch(writer, [Event(JANUARY), Event(FEBRUARY, "s2")])
    refresh_all(writer)
    summaries.rebuild(writer, "sessions")
    assert summaries.refresh(writer, "conversion_funnel").groups == 2
    assert summaries.refresh(writer, "conversion_funnel").groups == 0
    store_batch(writer, [Event(FEBRUARY, "s2")])
    summaries.refresh(writer, "sessions")
    assert summaries.refresh(writer, "conversion_funnel").groups == 1


def test_the_lag_counts_batches(writer: Connection) -> None:
    assert set(summaries.lag(writer).values()) == {0}
    store_batch(writer, [Event(JANUARY)])
    store_batch(writer, [Event(JANUARY)])
    summaries.refresh(writer, "sessions")
    assert summaries.lag(writer) == {
        "user_agents": 0,
        "sessions": 0,
        "product_performance": 2,
        "hourly_traffic": 2,
        "conversion_funnel": 2,
        "device_usage": 2,
    }


def test_a_backlog_is_taken_in_by_parts_and_counted_whole(writer: Connection) -> None:
    for n in range(4):
        store_batch(writer, [Event(JANUARY, f"s{n}-{m}") for m in range(3)])
    done = summaries.refresh(writer, "sessions", row_limit=4)
    assert (done.batches, done.events, done.groups, done.row_count) == (4, 12, 12, 12)
    # Two batches a transaction: the second one crosses the limit.
    assert fetch(writer, "SELECT DISTINCT through_batch_id FROM session_changes ORDER BY 1") == [(2,), (4,)]


@pytest.mark.parametrize("name", READERS_OF_EVENTS)
def test_a_long_backlog_is_read_about_twice_and_not_once_a_part(writer: Connection, name: str) -> None:
    batches, rows = 20, 100
    for _ in range(batches):
        store_batch(writer, [Event(JANUARY) for _ in range(rows)])
    summaries.refresh(writer, "user_agents")  # which sessions would take in first
    run = "UPDATE summary_state SET through_batch_id = 0, last_event_id = 0 WHERE summary = %(name)s"
    with writer, writer.cursor() as cursor:
        cursor.execute(run, {"name": name})
    before = events_read(writer)
    assert summaries.refresh(writer, name, row_limit=rows).events == batches * rows
    assert events_read(writer) - before <= 3 * batches * rows


def test_a_connection_in_a_transaction_is_refused(writer: Connection) -> None:
    with writer.cursor() as cursor:
        cursor.execute("SELECT 1")
    with pytest.raises(ValueError, match="transaction of its own"):
        summaries.refresh(writer, "sessions")


def test_a_name_that_is_no_summary_is_refused(writer: Connection) -> None:
    with pytest.raises(ValueError, match="no summary called pg_class"):
        summaries.refresh(writer, "pg_class")
