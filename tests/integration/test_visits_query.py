"""The query of docs/source-mapping.md that makes sessions from pauses, for events that have none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from psycopg2.extensions import connection as Connection
from summary_data import Event, fetch, store_batch

DOCUMENT = Path(__file__).parents[2] / "docs" / "source-mapping.md"
NOON = datetime(2026, 3, 15, 12, tzinfo=UTC)


def visits(writer: Connection) -> list[tuple[object, ...]]:
    (query,) = (block.split("```")[0] for block in DOCUMENT.read_text().split("```sql\n")[1:])
    return sorted(fetch(writer, query), key=str)


def at(minutes: int, user: str = "u") -> Event:
    return Event(NOON + timedelta(minutes=minutes), None, user_id=user)


def test_a_pause_of_more_than_half_an_hour_ends_a_visit_and_a_late_event_joins_two(
    writer: Connection,
) -> None:
    store_batch(writer, [at(0), at(30), at(61), at(0, "v")])
    assert [row[3:] for row in visits(writer)] == [
        (NOON + timedelta(minutes=30), 2),
        (NOON + timedelta(minutes=61), 1),
        (NOON, 1),
    ]
    store_batch(writer, [at(45)])
    assert [row[3:] for row in visits(writer)] == [(NOON + timedelta(minutes=61), 4), (NOON, 1)]
