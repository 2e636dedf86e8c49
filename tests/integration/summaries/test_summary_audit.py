"""The check `matches_events` against real tables: green while batches come in, red for every single changed row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import dagster as dg
import pytest
from control_plane import ControlPlane
from databases import Database, run_sql
from psycopg2.extensions import connection as Connection
from summary_data import Event, refresh_all, store_batch

from clickstream_assets.checks import matches_events
from clickstream_assets.database import connect
from clickstream_assets.summaries import refresh as summaries
from clickstream_assets.summaries.audit import SummaryAudit, audit_summaries

TODAY = datetime.now(UTC).replace(hour=0, minute=30, second=0, microsecond=0)
YESTERDAY = TODAY - timedelta(hours=12)
LONG_AGO = TODAY - timedelta(days=40)
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def visits(begin: datetime, session: str) -> list[Event]:
    return [
        Event(begin, session, "view", Decimal("9.50"), user_agent=AGENT),
        Event(begin + timedelta(minutes=1), session, "add_to_cart", Decimal("9.50"), user_agent=AGENT),
        Event(begin + timedelta(minutes=2), session, "purchase", Decimal("9.50"), user_agent=AGENT),
        Event(begin + timedelta(minutes=3), session, "view", product_id="p2"),
    ]


def audit(database: Database) -> dict[str, SummaryAudit]:
    connection = connect(database.reader_url, "tests", autocommit=True)
    try:
        return {audit.summary: audit for audit in audit_summaries(connection, "seed")}
    finally:
        connection.close()


def differences(database: Database) -> dict[str, int]:
    return {name: found.differences for name, found in audit(database).items() if found.differences}


@pytest.fixture
def history(database: Database, writer: Connection) -> Database:
    """Sessions of an old day, of yesterday and of today; one spans midnight. Everything is folded in."""
    store_batch(writer, [*visits(LONG_AGO, "old"), *visits(YESTERDAY, "a"), *visits(YESTERDAY, "b")])
    store_batch(writer, [*visits(TODAY, "today"), Event(TODAY, "a", "view")])
    refresh_all(writer)
    return database


def test_nothing_to_compare_is_a_pass(database: Database) -> None:
    assert [(found.days, found.rows) for found in audit(database).values()] == [((), 0)] * 6


def test_exact_summaries_pass_on_the_newest_finished_day_and_an_older_one(history: Database) -> None:
    found = audit(history)
    assert differences(history) == {}
    assert found["hourly_traffic"].days == (YESTERDAY.date(), LONG_AGO.date())
    assert {name: audit.rows for name, audit in found.items()} == {
        "user_agents": 2,
        "sessions": 3,
        "product_performance": 4,
        "hourly_traffic": 2,
        "conversion_funnel": 2,
        "device_usage": 2,
    }


def test_batches_that_are_not_folded_in_yet_are_left_out(history: Database, writer: Connection) -> None:
    store_batch(writer, visits(YESTERDAY, "late"))
    store_batch(writer, visits(YESTERDAY - timedelta(minutes=5), "a"))  # its session begins earlier now
    assert differences(history) == {}
    assert audit(history)["sessions"].batches_behind == 2
    summaries.refresh(writer, "sessions")  # ahead of its followers
    assert differences(history) == {}
    summaries.rebuild(writer, "sessions")
    found = audit(history)
    assert found["conversion_funnel"].is_outdated
    assert differences(history) == {}
    refresh_all(writer)
    assert differences(history) == {}
    assert not audit(history)["conversion_funnel"].is_outdated


@pytest.mark.parametrize(
    ("statement", "summary"),
    [
        ("UPDATE hourly_traffic SET revenue = revenue + 0.01", "hourly_traffic"),
        ("DELETE FROM hourly_traffic WHERE hour < now() - interval '30 days'", "hourly_traffic"),
        ("UPDATE product_performance SET min_price = NULL WHERE product_id = 'p1'", "product_performance"),
        (
            "INSERT INTO product_performance SELECT day, 'ghost', 1, 0, 0, 0, 0 FROM product_performance LIMIT 1",
            "product_performance",
        ),
        ("UPDATE sessions SET user_id = 'x' WHERE session_id = 'old'", "sessions"),
        ("UPDATE sessions SET first_event_id = first_event_id + 1 WHERE session_id = 'a'", "sessions"),
        ("UPDATE conversion_funnel SET carted = 0, abandoned = 0", "conversion_funnel"),
        ("UPDATE device_usage SET browser = 'Lynx'", "device_usage"),
        ("DELETE FROM user_agents", "user_agents"),
    ],
)
def test_a_single_wrong_row_is_found_and_shown(history: Database, statement: str, summary: str) -> None:
    run_sql(history.owner_url, statement)
    found = audit(history)[summary]
    assert found.differences > 0
    assert found.examples[0]["stored"] != found.examples[0]["expected"]


def test_lost_events_show_in_every_summary_that_counted_them(history: Database) -> None:
    run_sql(
        history.owner_url,
        "DELETE FROM events WHERE session_id = 'b'",
    )
    assert set(differences(history)) == {"sessions", "product_performance", "hourly_traffic"}


def test_days_whose_events_were_dropped_are_not_compared(history: Database) -> None:
    run_sql(history.owner_url, f"DROP TABLE events_{LONG_AGO:y%Ym%m}")
    found = audit(history)
    assert found["hourly_traffic"].days == (YESTERDAY.date(),)
    assert differences(history) == {}


def test_the_job_reports_a_result_on_every_summary(control: ControlPlane, writer: Connection) -> None:
    store_batch(writer, visits(YESTERDAY, "a"))
    refresh_all(writer)
    run_sql(control.database.owner_url, "UPDATE hourly_traffic SET views = views + 1, events = events + 1")
    result = control.execute("audit_summaries")
    evaluations = {event.asset_key.to_user_string(): event for event in result.get_asset_check_evaluations()}
    assert {name: event.passed for name, event in evaluations.items()} == {
        name: name != "hourly_traffic" for name in summaries.NAMES
    }
    assert evaluations["hourly_traffic"].severity is dg.AssetCheckSeverity.ERROR
    description = evaluations["hourly_traffic"].description or ""
    assert description.startswith(f"1 rows of {YESTERDAY.date()} compared with the events at ")
    assert description.endswith(" UTC: 1 differ.")


def test_a_refresh_compares_few_events_and_gives_the_last_result_where_they_are_many(
    control: ControlPlane, writer: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_batch(writer, visits(YESTERDAY, "a"))
    assert all(event.passed for event in refresh_with_checks(control))

    monkeypatch.setattr(matches_events, "REFRESH_AUDIT_EVENTS", 0)
    run_sql(control.database.owner_url, "UPDATE hourly_traffic SET views = views + 1, events = events + 1")
    assert all(event.passed for event in refresh_with_checks(control))
    control.execute("audit_summaries")

    run_sql(control.database.owner_url, "UPDATE hourly_traffic SET views = views - 1, events = events - 1")
    results = {event.asset_key.to_user_string(): event for event in refresh_with_checks(control)}
    assert {name for name, event in results.items() if not event.passed} == {"hourly_traffic"}
    assert (results["hourly_traffic"].description or "").endswith("1 differ.")


def refresh_with_checks(control: ControlPlane) -> list[dg.AssetCheckEvaluation]:
    """Refresh all summaries as the automation does: their checks come along."""
    keys = [dg.AssetKey(name) for name in summaries.NAMES]
    job = control.definitions.resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(instance=control.instance, asset_selection=keys)
    return list(result.get_asset_check_evaluations())
