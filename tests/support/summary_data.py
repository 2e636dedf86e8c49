"""What the tests of the summaries share: storing batches the way the stream does, and recomputing each summary
from the events alone, in Python, without the SQL under test."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from psycopg2.extensions import connection as Connection
from psycopg2.extras import execute_values

from clickstream_assets.summaries import refresh as summaries
from clickstream_assets.summaries import user_agents

TABLES = {
    "sessions": "session_id, user_id, started_at, ended_at, duration, events, views, carts, removes, purchases, "
    "others, revenue, device, system, browser, first_event_id",
    "product_performance": "day, product_id, views, carts, removes, purchases, others, revenue, min_price, max_price, "
    "cart_rate, purchase_rate",
    "hourly_traffic": "hour, events, views, carts, removes, purchases, others, revenue",
    "conversion_funnel": "day, sessions, viewed, carted, purchased, abandoned, revenue, view_rate, cart_rate, "
    "conversion_rate, abandonment_rate",
    "device_usage": "day, device, browser, sessions, purchased, events, revenue, conversion_rate",
}
EVENTS = "id, event_time, user_id, session_id, action_type, product_id, price, user_agent"

Rows = set[tuple[Any, ...]]


@dataclass(frozen=True)
class Event:
    """An event before it is stored."""

    event_time: datetime
    session_id: str | None = "s1"
    action_type: str = "view"
    price: Decimal | None = None
    product_id: str | None = "p1"
    user_id: str | None = "u1"
    user_agent: str | None = None


def store_batch(connection: Connection, events: Sequence[Event]) -> int:
    """Commit events and their row of the ledger together, as the sink does; return the batch id."""
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(batch_id), 0) + 1 FROM ingest_batches")
        ((batch_id,),) = cursor.fetchall()
        months = sorted({event.event_time.date().replace(day=1) for event in events})
        cursor.execute("SELECT ensure_event_partitions(%s::date[])", (months,))
        execute_values(
            cursor,
            "INSERT INTO events (event_id, event_time, session_id, action_type, price, product_id, user_id, "
            "user_agent, batch_id, file_id, line_no) VALUES %s",
            [
                (
                    event.event_time,
                    event.session_id,
                    event.action_type,
                    event.price,
                    event.product_id,
                    event.user_id,
                    event.user_agent,
                    batch_id,
                    batch_id,
                    line_no,
                )
                for line_no, event in enumerate(events, start=2)
            ],
            template="(gen_random_uuid(), %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        )
        cursor.execute(
            "INSERT INTO ingest_batches (batch_id, query_id, spark_batch_id, epoch, sink, first_seq, last_seq, files, "
            "started_at, committed_at, rows_read, rows_inserted, rows_duplicate, rows_rejected, total_rows_read, "
            "total_rows_inserted, total_rows_duplicate, total_rows_rejected, parse_seconds, merge_seconds) "
            "SELECT %(id)s, 'q', %(id)s, 1, 'copy', %(id)s, %(id)s, 1, now(), now(), %(n)s, %(n)s, 0, 0, "
            "coalesce(sum(rows_read), 0) + %(n)s, coalesce(sum(rows_read), 0) + %(n)s, 0, 0, 0, 0 FROM ingest_batches",
            {"id": batch_id, "n": len(events)},
        )
    return int(batch_id)


def fetch(connection: Connection, statement: str) -> list[tuple[Any, ...]]:
    with connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def stored(connection: Connection, summary: str) -> Rows:
    rows = fetch(connection, f"SELECT {TABLES[summary]} FROM {summary}")
    assert len(set(rows)) == len(rows)
    return set(rows)


def refresh_all(connection: Connection) -> None:
    for name in summaries.NAMES:
        summaries.refresh(connection, name)


def assert_exact(connection: Connection) -> None:
    """Every summary is what the events say, its row count is true, and nothing is left to take in."""
    for summary, rows in recomputed(connection).items():
        assert stored(connection, summary) == rows, summary
    counts = dict(fetch(connection, "SELECT summary, row_count FROM summary_state"))
    for summary in summaries.NAMES:
        assert fetch(connection, f"SELECT count(*) FROM {summary}") == [(counts[summary],)], summary
    assert set(summaries.lag(connection).values()) == {0}


def recomputed(connection: Connection) -> dict[str, Rows]:
    """Every summary, from the events alone."""
    events = fetch(connection, f"SELECT {EVENTS} FROM events ORDER BY event_time, id")
    sessions: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    products: dict[tuple[date, str], list[tuple[Any, ...]]] = defaultdict(list)
    hours: dict[datetime, list[tuple[Any, ...]]] = defaultdict(list)
    for event in events:
        at = event[1].astimezone(UTC)
        if event[3] is not None:
            sessions[event[3]].append(event)
        if event[5] is not None:
            products[at.date(), event[5]].append(event)
        hours[at.replace(minute=0, second=0, microsecond=0)].append(event)
    session_rows = {_session(session_id, its) for session_id, its in sessions.items()}
    days: dict[date, list[tuple[Any, ...]]] = defaultdict(list)
    devices: dict[tuple[date, str, str], list[tuple[Any, ...]]] = defaultdict(list)
    for row in session_rows:
        day = row[2].astimezone(UTC).date()
        days[day].append(row)
        devices[day, row[12], row[14]].append(row)
    return {
        "sessions": session_rows,
        "product_performance": {_product(*key, its) for key, its in products.items()},
        "hourly_traffic": {(hour, len(its), *_actions(its), _revenue(its)) for hour, its in hours.items()},
        "conversion_funnel": {_funnel(day, its) for day, its in days.items()},
        "device_usage": {_device(*key, its) for key, its in devices.items()},
    }


def _actions(events: Sequence[tuple[Any, ...]]) -> tuple[int, ...]:
    actions = [event[4] for event in events]
    counts = [actions.count(action) for action in ("view", "add_to_cart", "remove_from_cart", "purchase")]
    return (*counts, len(actions) - sum(counts))


def _revenue(events: Sequence[tuple[Any, ...]]) -> Decimal:
    return sum((event[6] or Decimal(0) for event in events if event[4] == "purchase"), Decimal(0))


def _session(session_id: str, events: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
    first, last = events[0], events[-1]
    agent = user_agents.parse(first[7]) if first[7] is not None else None
    device = (agent.device, agent.system, agent.browser) if agent else ("unknown", "unknown", "unknown")
    span: timedelta = last[1] - first[1]
    return (
        *(session_id, first[2], first[1], last[1], span, len(events), *_actions(events), _revenue(events)),
        *(*device, first[0]),
    )


def _product(day: date, product_id: str, events: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
    views, carts, removes, purchases, others = _actions(events)
    prices = [event[6] for event in events if event[6] is not None]
    return (
        *(day, product_id, views, carts, removes, purchases, others, _revenue(events)),
        *(min(prices, default=None), max(prices, default=None), _rate(carts, views), _rate(purchases, views)),
    )


def _funnel(day: date, sessions: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
    viewed = sum(row[6] > 0 for row in sessions)
    carted = sum(row[7] > 0 for row in sessions)
    purchased = sum(row[9] > 0 for row in sessions)
    abandoned = sum(row[7] > 0 and row[9] == 0 for row in sessions)
    total = len(sessions)
    return (
        *(day, total, viewed, carted, purchased, abandoned, sum(row[11] for row in sessions)),
        *(_rate(viewed, total), _rate(carted, total), _rate(purchased, total), _rate(abandoned, carted)),
    )


def _device(day: date, device: str, browser: str, sessions: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
    purchased = sum(row[9] > 0 for row in sessions)
    return (
        *(day, device, browser, len(sessions), purchased, sum(row[5] for row in sessions)),
        *(sum(row[11] for row in sessions), _rate(purchased, len(sessions))),
    )


def _rate(part: int, whole: int) -> Decimal | None:
    return (
        None if whole == 0 else (Decimal(part) / whole).quantize(Decimal("0.0001"), rounding="ROUND_HALF_UP")
    )
