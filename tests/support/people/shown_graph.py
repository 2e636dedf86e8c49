"""What Dagster's graph shows of every asset and check, as GraphQL gives it to the page, and what of it is not so.

`wrong_graph` is pure. Like `lies.wrong`, it says for how many seconds something may be shown that is not so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dagster_graphql_client import ask
from lies import LIE_AFTER, Truth
from up_stack import Up

GRAPH = """{ assetNodes { assetKey { path } staleStatus staleCauses { reason }
    freshnessStatusInfo { freshnessStatus }
    assetMaterializations(limit: 1) { timestamp }
    assetChecksOrError { ... on AssetChecks { checks { name executionForLatestMaterialization {
        status timestamp evaluation { success severity } } } } } } }"""

REPORTED = ("event_files", "events", "rejected_events")  # by the sensor ingest_progress
REFRESHED = (
    "hourly_traffic",
    "sessions",
    "user_agents",
    "product_performance",
    "conversion_funnel",
    "device_usage",
)
# Seconds between two reports, or refreshes, of a stream that stores rows all the time: CLICKSTREAM_REFRESH_SECONDS, the
# sensor's interval, and for a refresh that of the automation, a place in the queue, and its run.
REPORT_DUE, REFRESH_DUE = 80.0, 150.0
OVERDUE = 240.0  # seconds without a report after which Dagster judges `checks_reported` itself, and some


@dataclass(frozen=True)
class ShownAsset:
    """One node of the graph. `materialized_at` is in seconds since 1970."""

    stale: tuple[str, ...] = ()  # why it is called unsynced
    freshness: str | None = None
    materialized_at: float | None = None
    checks: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)  # by name the evaluation


def read_graph(up: Up) -> dict[str, ShownAsset]:
    """By asset, keys joined with slashes."""
    return {
        "/".join(node["assetKey"]["path"]): ShownAsset(
            tuple(cause["reason"] for cause in node["staleCauses"] or ()) or ("stale",)
            if node["staleStatus"] == "STALE"
            else (),
            (node["freshnessStatusInfo"] or {}).get("freshnessStatus"),
            next((float(made["timestamp"]) / 1000 for made in node["assetMaterializations"]), None),
            {
                check["name"]: (check["executionForLatestMaterialization"] or {}).get("evaluation")
                for check in node["assetChecksOrError"].get("checks", ())
            },
        )
        for node in ask(up, GRAPH)["assetNodes"]
    }


def wrong_graph(
    graph: Mapping[str, ShownAsset], truth: Truth, measured: Mapping[str, str], now: float
) -> Iterator[tuple[str, float]]:
    """What is shown and not so. `measured`: the verdicts of the checks on `events` at this moment."""
    for name, asset in graph.items():
        is_reported = name in REPORTED and "ingest_progress" not in truth.off
        is_refreshed = name in REFRESHED and not truth.off & {"ingest_progress", "refresh_summaries"}
        if truth.frozen_seconds is None and (is_reported or is_refreshed):
            due = REPORT_DUE if is_reported else REFRESH_DUE
            if asset.stale:  # what a wiped summary was made into waits for its refresh
                limit = LIE_AFTER if is_reported else REFRESH_DUE
                yield f"{name} is called unsynced: {'; '.join(asset.stale)}", limit
            is_late = asset.materialized_at is None or now - asset.materialized_at > due
            if is_late and truth.is_loading:
                made = "never" if asset.materialized_at is None else "long ago"
                yield f"{name} is shown as materialized {made}, and rows come in", LIE_AFTER
    yield from _about_age(graph.get("checks_reported"), truth)
    if "event_check_results" in truth.off or truth.frozen_seconds is not None:
        return
    for name, evaluation in graph["events"].checks.items():
        if evaluation is None:
            yield f"the check {name} is shown without a result", LIE_AFTER
        elif name in measured and _verdict(evaluation) != measured[name]:
            yield f"the check {name} is shown as another verdict than is measured", LIE_AFTER


def _about_age(reported: ShownAsset | None, truth: Truth) -> Iterator[tuple[str, float]]:
    """Dagster itself says when the checks are old."""
    silent = max(truth.off_seconds.get("event_check_results", 0.0), truth.frozen_seconds or 0.0)
    is_said = reported is not None and reported.freshness not in (None, "HEALTHY", "UNKNOWN")
    if is_said and silent == 0.0:
        yield "the checks are said to be old, and are not", LIE_AFTER
    if not is_said and silent > OVERDUE and truth.frozen_seconds is None:
        yield "nothing says that the checks are old", LIE_AFTER


def _verdict(evaluation: Mapping[str, Any]) -> str:
    if evaluation["success"]:
        return "pass"
    return "warn" if evaluation["severity"] == "WARN" else "error"
