"""From which columns each column of a table is made. Dagster's catalogue and OpenLineage both tell it from here.

The names and texts of columns are in `sql/postgres_setup.sql`.
"""

from __future__ import annotations

from collections.abc import Mapping

from clickstream_assets.contract import FIELDS, IDENTITY

FILES = "event_files"

Sources = tuple[tuple[str, str], ...]  # (table, column)


def _from(table: str, columns: Mapping[str, str]) -> dict[str, Sources]:
    """`columns` maps a column to the names of those of `table` that it is made from, parted by blanks."""
    return {
        column: tuple((table, source) for source in sources.split()) for column, sources in columns.items()
    }


_COUNTS = dict.fromkeys(("views", "carts", "removes", "purchases", "others"), "action_type")

# A column that is missing here comes from no column: a number, the time of a commit, the place in a file.
COLUMN_SOURCES: Mapping[str, Mapping[str, Sources]] = {
    "events": {
        # An id that is missing is made from values.
        "event_id": tuple((FILES, field) for field in ("event_id", *IDENTITY)),
        **{field: ((FILES, field),) for field in FIELDS if field != "event_id"},
    },
    "rejected_events": {"raw": tuple((FILES, field) for field in FIELDS)},
    "user_agents": _from(
        "events", dict.fromkeys(("user_agent", "device", "model", "system", "browser"), "user_agent")
    ),
    "sessions": {
        **_from(
            "events",
            {
                "session_id": "session_id",
                "user_id": "user_id event_time",
                "started_at": "event_time",
                "ended_at": "event_time",
                "duration": "event_time",
                "events": "id",
                **_COUNTS,
                "revenue": "action_type price",
                "first_event_id": "id event_time",
            },
        ),
        **{
            name: (("events", "user_agent"), ("events", "event_time"), ("user_agents", name))
            for name in ("device", "system", "browser", "user_agent_id")
        },
    },
    "product_performance": _from(
        "events",
        {
            "day": "event_time",
            "product_id": "product_id",
            **_COUNTS,
            "revenue": "action_type price",
            "min_price": "price",
            "max_price": "price",
            "cart_rate": "action_type",
            "purchase_rate": "action_type",
        },
    ),
    "hourly_traffic": _from(
        "events", {"hour": "event_time", "events": "id", **_COUNTS, "revenue": "action_type price"}
    ),
    "conversion_funnel": _from(
        "sessions",
        {
            "day": "started_at",
            "sessions": "session_id",
            "viewed": "views",
            "carted": "carts",
            "purchased": "purchases",
            "abandoned": "carts purchases",
            "revenue": "revenue",
            "view_rate": "views",
            "cart_rate": "carts",
            "conversion_rate": "purchases",
            "abandonment_rate": "carts purchases",
        },
    ),
    "device_usage": _from(
        "sessions",
        {
            "day": "started_at",
            "device": "device",
            "browser": "browser",
            "sessions": "session_id",
            "purchased": "purchases",
            "events": "events",
            "revenue": "revenue",
            "conversion_rate": "purchases",
        },
    ),
}
