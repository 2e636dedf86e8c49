"""The summaries: what each is made from, and the names of its statements in `sql/summaries/<name>.sql`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Summary:
    """A table that is kept up to date by adding what is new.

    `add` adds batches (of user_agents: finds the new strings), and with `rebuild` a follower of sessions is made from
    them. `clear` deletes the rows from one moment to another, `count` counts all, `preview` shows some, and `audit`
    compares a day with what the table is made from.
    """

    made_from: tuple[str, ...]  # the assets
    add: str
    clear: str
    count: str
    preview: str
    audit: str
    rebuild: str = ""

    @property
    def follows_sessions(self) -> bool:
        """Whether it takes the changes of sessions, and does not read events."""
        return self.made_from == ("sessions",)


# In an order in which each finds what it needs.
SUMMARIES: Mapping[str, Summary] = {
    "user_agents": Summary(
        made_from=("events",),
        add="user_agents.new",
        clear="",
        count="user_agents.count",
        preview="user_agents.preview",
        audit="user_agents.audit",
    ),
    "sessions": Summary(
        made_from=("events", "user_agents"),
        add="sessions.add",
        clear="sessions.clear",
        count="sessions.count",
        preview="sessions.preview",
        audit="sessions.audit",
    ),
    "product_performance": Summary(
        made_from=("events",),
        add="product_performance.add",
        clear="product_performance.clear",
        count="product_performance.count",
        preview="product_performance.preview",
        audit="product_performance.audit",
    ),
    "hourly_traffic": Summary(
        made_from=("events",),
        add="hourly_traffic.add",
        clear="hourly_traffic.clear",
        count="hourly_traffic.count",
        preview="hourly_traffic.preview",
        audit="hourly_traffic.audit",
    ),
    "conversion_funnel": Summary(
        made_from=("sessions",),
        add="conversion_funnel.add",
        clear="conversion_funnel.clear",
        count="conversion_funnel.count",
        preview="conversion_funnel.preview",
        audit="conversion_funnel.audit",
        rebuild="conversion_funnel.rebuild",
    ),
    "device_usage": Summary(
        made_from=("sessions",),
        add="device_usage.add",
        clear="device_usage.clear",
        count="device_usage.count",
        preview="device_usage.preview",
        audit="device_usage.audit",
        rebuild="device_usage.rebuild",
    ),
}
NAMES = tuple(SUMMARIES)
FOLLOWERS = tuple(name for name, summary in SUMMARIES.items() if summary.follows_sessions)
