"""The summaries: of which kind each is, what it is made from, its statements in `sql/summaries/<name>.sql`."""

from __future__ import annotations

from collections.abc import Mapping

from clickstream_assets.summaries.dimension import UserAgents
from clickstream_assets.summaries.of_events import OfEvents
from clickstream_assets.summaries.of_sessions import OfSessions
from clickstream_assets.summaries.sessions import Sessions
from clickstream_assets.summaries.summary import Summary

FOLLOWING_SESSIONS = (
    OfSessions(
        name="conversion_funnel",
        made_from=("sessions",),
        add="conversion_funnel.add",
        clear="conversion_funnel.clear",
        rebuild="conversion_funnel.rebuild",
        count="conversion_funnel.count",
        preview="conversion_funnel.preview",
        audit="conversion_funnel.audit",
    ),
    OfSessions(
        name="device_usage",
        made_from=("sessions",),
        add="device_usage.add",
        clear="device_usage.clear",
        rebuild="device_usage.rebuild",
        count="device_usage.count",
        preview="device_usage.preview",
        audit="device_usage.audit",
    ),
)
FOLLOWERS = tuple(summary.name for summary in FOLLOWING_SESSIONS)

# In an order in which each finds what it needs.
_ALL: tuple[Summary, ...] = (
    UserAgents(
        name="user_agents",
        made_from=("events",),
        add="user_agents.new",
        count="user_agents.count",
        preview="user_agents.preview",
        audit="user_agents.audit",
    ),
    Sessions(
        name="sessions",
        made_from=("events", "user_agents"),
        needs=("user_agents",),
        followers=FOLLOWERS,
        add="sessions.add",
        count="sessions.count",
        preview="sessions.preview",
        audit="sessions.audit",
    ),
    OfEvents(
        name="product_performance",
        made_from=("events",),
        add="product_performance.add",
        clear="product_performance.clear",
        count="product_performance.count",
        preview="product_performance.preview",
        audit="product_performance.audit",
    ),
    OfEvents(
        name="hourly_traffic",
        made_from=("events",),
        add="hourly_traffic.add",
        clear="hourly_traffic.clear",
        count="hourly_traffic.count",
        preview="hourly_traffic.preview",
        audit="hourly_traffic.audit",
    ),
    *FOLLOWING_SESSIONS,
)
SUMMARIES: Mapping[str, Summary] = {summary.name: summary for summary in _ALL}
NAMES = tuple(SUMMARIES)
