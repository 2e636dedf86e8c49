"""The witness's judgement of the graph. Guards against one who sees no lie."""

from __future__ import annotations

from dataclasses import replace

import pytest
from lies import Truth
from shown_graph import OVERDUE, REFRESHED, REPORT_DUE, REPORTED, ShownAsset, wrong_graph

NOW = 1_000_000.0
GREEN = {"success": True, "severity": "ERROR"}
WARNING = {"success": False, "severity": "WARN"}
ASSET = ShownAsset(materialized_at=NOW - 30)
CHECKED = replace(ASSET, checks={"freshness": GREEN, "conservation": GREEN})
GRAPH = dict.fromkeys((*REPORTED, *REFRESHED), ASSET) | {
    "events": CHECKED,
    "checks_reported": ShownAsset(freshness="HEALTHY"),
}
MEASURED = {"freshness": "pass"}
OFF = frozenset({"event_check_results"})


def found(graph: dict[str, ShownAsset], truth: Truth) -> set[str]:
    return {what for what, _ in wrong_graph(GRAPH | graph, truth, MEASURED, NOW)}


LIES = {
    "unsynced": (
        {"events": replace(CHECKED, stale=("has a new dependency",))}, Truth(1),
        "events is called unsynced: has a new dependency",
    ),
    "never materialized": (
        {"sessions": ShownAsset()}, Truth(1), "sessions is shown as materialized never, and rows come in"
    ),
    "an old report": (
        {"rejected_events": ShownAsset(materialized_at=NOW - REPORT_DUE - 1)}, Truth(1),
        "rejected_events is shown as materialized long ago, and rows come in",
    ),
    "no result": (
        {"events": replace(CHECKED, checks={"conservation": None})}, Truth(1),
        "the check conservation is shown without a result",
    ),
    "another verdict": (
        {"events": replace(CHECKED, checks={"freshness": WARNING})}, Truth(1),
        "the check freshness is shown as another verdict than is measured",
    ),
    "old and not named": (
        {}, Truth(1, off=OFF, off_seconds={"event_check_results": OVERDUE + 1}), "nothing says that the checks are old"
    ),
    "named and not old": (
        {"checks_reported": ShownAsset(freshness="DEGRADED")}, Truth(1), "the checks are said to be old, and are not"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("graph", "truth", "lie"), LIES.values(), ids=LIES)
def test_the_witness_sees_a_lie_of_the_graph(graph: dict[str, ShownAsset], truth: Truth, lie: str) -> None:
    assert found(graph, truth) == {lie}


@pytest.mark.parametrize(
    ("graph", "truth"),
    [
        ({}, Truth(1)),
        ({"events": ShownAsset()}, Truth(1, off=frozenset({"ingest_progress"}), is_loading=True)),
        ({"sessions": ShownAsset()}, Truth(1, is_loading=False)),
        ({"sessions": ShownAsset(stale=("old",))}, Truth(1, off=frozenset({"refresh_summaries"}))),
        (
            {"checks_reported": ShownAsset(freshness="WARNING")},
            Truth(1, off=OFF, off_seconds={"event_check_results": 200.0}),
        ),
        ({"clickstream_report": ShownAsset()}, Truth(1)),
    ],
)
def test_the_witness_takes_a_true_graph_for_no_lie(graph: dict[str, ShownAsset], truth: Truth) -> None:
    assert found(graph, truth) == set()
