"""What the report says, read from the summaries and the ledger in one snapshot.

One statement for each section.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg2.extensions import connection as Connection
from psycopg2.extras import RealDictCursor

from clickstream_assets.ledger import reads as ledger
from clickstream_assets.sql_files import statement
from clickstream_assets.thresholds import LATENCY_FIRST_START_SECONDS

DAYS = 30  # that the report is about; traffic by the hour shows the last seven
PRODUCTS = 15

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Facts:
    """Rows as `sql/queries/report.sql` orders them. `since` and `until` are None before the first event."""

    taken_at: datetime  # UTC, the database's clock
    through_batch: int  # the newest committed batch
    since: datetime | None
    until: datetime | None
    totals: Row
    traffic: tuple[Row, ...]
    revenue: tuple[Row, ...]
    funnel: tuple[Row, ...]
    products: tuple[Row, ...]
    devices: tuple[Row, ...]
    quality: tuple[Row, ...]
    rejects: tuple[Row, ...]
    latency: tuple[Row, ...]


def read_facts(connection: Connection) -> Facts:
    """Read everything at one moment. The connection must be outside a transaction; a reader's is enough."""
    with ledger.snapshot(connection), connection.cursor(cursor_factory=RealDictCursor) as cursor:

        def rows(name: str, parameters: Mapping[str, Any] | None = None) -> tuple[Row, ...]:
            cursor.execute(statement(name), parameters)
            return tuple(dict(row) for row in cursor.fetchall())

        now = ledger.read_lease(connection).now
        last = ledger.read_last_batch(connection)
        until: datetime | None = rows("report.span")[0]["until"]
        since = until - timedelta(days=DAYS) if until else None
        # Before the first event any span is as empty as the next.
        span = {"since": since or now, "until": until or now, "products": PRODUCTS}
        return Facts(
            taken_at=now,
            through_batch=last.batch_id if last else 0,
            since=since,
            until=until,
            totals=rows("report.totals", span)[0],
            traffic=rows("report.traffic", span) if until else (),
            revenue=rows("report.revenue", span),
            funnel=rows("report.funnel", span),
            products=rows("report.products", span),
            devices=rows("report.devices", span),
            quality=rows("report.quality"),
            rejects=rows("report.rejects"),
            latency=rows("report.latency", {"first_start_seconds": LATENCY_FIRST_START_SECONDS}),
        )
