"""The summaries equal what the events say, whenever and in whatever order these came.

Guards against the tempting clean-ups: refreshing by time or by `max(id)`, adding up distinct counts, and giving a
session to the day of the events at hand rather than to the day on which it started.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from databases import Database
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg2.extensions import connection as Connection
from summary_data import TABLES, Event, assert_exact, refresh_all, store_batch

from clickstream_assets.database import connect
from clickstream_assets.summaries import refresh as summaries

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1 Version/17.0 Mobile/15E1 Safari/604.1"
DESKTOP = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0.0.0 Safari/537.36"
START = datetime(2024, 1, 31, 20, tzinfo=UTC)  # the four hours before a partition ends
ALL_TABLES = (*TABLES, "user_agents", "session_changes", "events", "ingest_batches")

# Few values of each, so that batches meet in the same sessions, days, products and even instants.
EVENTS = st.builds(
    Event,
    event_time=st.integers(0, 60).map(lambda hours: START + timedelta(hours=hours)),
    session_id=st.sampled_from(["s1", "s2", "s3", "s4", None]),
    action_type=st.sampled_from(["view", "add_to_cart", "remove_from_cart", "purchase", "search"]),
    price=st.sampled_from([None, Decimal("0"), Decimal("9.99"), Decimal("10.5"), Decimal("1200")]),
    product_id=st.sampled_from(["p1", "p2", None]),
    user_id=st.sampled_from(["u1", "u2", None]),
    user_agent=st.sampled_from([None, PHONE, DESKTOP, "", "unheard of"]),
)
BATCHES = st.lists(EVENTS, max_size=8).map(lambda events: ("batch", events))
REFRESHES = st.permutations(summaries.NAMES).flatmap(
    lambda names: st.integers(1, len(names)).map(lambda n: ("refresh", names[:n]))
)
REBUILDS = st.sampled_from(summaries.NAMES).map(lambda name: ("rebuild", name))
DAYS = st.tuples(st.sampled_from(list(TABLES)), st.integers(0, 3)).map(lambda both: ("day", both))


@pytest.fixture
def owner(database: Database) -> Iterator[Connection]:
    connection = connect(database.owner_url, "tests")
    yield connection
    connection.close()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    history=st.lists(st.one_of(BATCHES, BATCHES, REFRESHES, REBUILDS, DAYS), min_size=3, max_size=12),
    data=st.data(),
)
def test_any_history_of_batches_and_refreshes_ends_in_what_the_events_say(
    writer: Connection, owner: Connection, history: list[tuple[str, object]], data: st.DataObject
) -> None:
    with owner, owner.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(ALL_TABLES)}")
        cursor.execute("SELECT ensure_event_partitions(ARRAY['2024-01-01', '2024-02-01']::date[])")
        cursor.execute("UPDATE summary_state SET through_batch_id = 0, last_event_id = 0, row_count = 0")
    row_limit = data.draw(st.sampled_from([1, 5, 1000]))
    for step, argument in history:
        if step == "batch":
            store_batch(writer, argument)  # type: ignore[arg-type]
        elif step == "refresh":
            for name in argument:  # type: ignore[attr-defined]
                summaries.refresh(writer, name, row_limit=row_limit)
        elif step == "rebuild":
            summaries.rebuild(writer, str(argument), row_limit=row_limit)
        else:
            name, offset = argument  # type: ignore[misc]
            summaries.rebuild_day(writer, name, START.date() + timedelta(days=offset))
    refresh_all(writer)
    assert_exact(writer)
    for name in summaries.NAMES:
        summaries.rebuild(writer, name, row_limit=row_limit)
    assert_exact(writer)
