"""The witness of the hammer. Guards against one who sees no lie."""

from __future__ import annotations

import pytest
from lies import DAEMON_SILENT_AFTER, JUDGED_CHECKS, Shown, Truth, wrong

from clickstream_assets.supervision.model import StreamState

GREEN = {"success": True, "severity": "WARN"}
RED = {"success": False, "severity": "ERROR"}
ALL_GREEN = dict.fromkeys(JUDGED_CHECKS, GREEN)
WELL = Shown(StreamState.RUNNING, checks=ALL_GREEN)
OFF = "the sensor event_check_results is switched off"
SILENT = "Dagster's daemon has not been heard of since 2026-01-01 00:00:00 UTC"

LIES = {
    "a second stream": (WELL, Truth(2), "there are two streams"),
    "running without a driver": (WELL, Truth(0), "the status says running, and no driver lives"),
    "dead with a driver": (
        Shown(StreamState.DEAD, checks=ALL_GREEN), Truth(1), "the status says dead, and a driver streams"
    ),
    "green without a driver": (
        Shown(StreamState.DEAD, lock_held=False, checks=ALL_GREEN), Truth(0),
        "the check stream_alive is green, and no driver lives",
    ),
    "green while a file waits": (WELL, Truth(1, 150.0), "the check freshness is green, and a file waits"),
    "red while all is well": (
        Shown(StreamState.RUNNING, checks=ALL_GREEN | {"freshness": RED}), Truth(1),
        "the check freshness is red, and all is well",
    ),
    "no result": (
        Shown(StreamState.RUNNING, checks=ALL_GREEN | {"conservation": None}), Truth(1),
        "the check conservation is shown without a result",
    ),
    "off and not named": (
        WELL, Truth(1, off=frozenset({"event_check_results"})), "event_check_results is not said to be off, wrongly"
    ),
    "named and on": (
        Shown(StreamState.RUNNING, complaints=(OFF,), checks=ALL_GREEN), Truth(1),
        "event_check_results is said to be off, wrongly",
    ),
    "frozen and not named": (
        WELL, Truth(1, frozen_seconds=DAEMON_SILENT_AFTER + 1), "nothing says that the daemon is silent"
    ),
    "silent and not frozen": (
        Shown(StreamState.RUNNING, complaints=(SILENT,), checks=ALL_GREEN), Truth(1),
        "the daemon is said to be silent, and is not",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("shown", "truth", "lie"), LIES.values(), ids=LIES)
def test_the_witness_sees_a_lie(shown: Shown, truth: Truth, lie: str) -> None:
    assert lie in dict(wrong(shown, truth))


@pytest.mark.parametrize(
    ("shown", "truth"),
    [
        (WELL, Truth(1)),
        (Shown(StreamState.STARTING, lock_held=False, checks=ALL_GREEN), Truth(0)),
        (Shown(StreamState.DEAD, lock_held=False, checks=ALL_GREEN | {"stream_alive": RED}), Truth(0)),
        (Shown(StreamState.RUNNING, complaints=(OFF,)), Truth(1, off=frozenset({"event_check_results"}))),
        (Shown(StreamState.RUNNING, complaints=(SILENT,)), Truth(1, frozen_seconds=100.0)),
        (Shown(StreamState.BEHIND, checks=ALL_GREEN | {"freshness": RED}), Truth(1, 400.0)),
    ],
)
def test_the_witness_takes_the_truth_for_no_lie(shown: Shown, truth: Truth) -> None:
    assert dict(wrong(shown, truth)) == {}
