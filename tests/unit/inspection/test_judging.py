"""Which files are taken as they are: by their columns, and by how many rejects they have."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from clickstream_assets.sources.source import Drift
from spark.inspection.inspecting import inspect_file
from spark.inspection.inspection import Inspection
from spark.inspection.judging import (
    ERROR_BUDGET,
    KnownColumns,
    judged_by_columns,
    judged_by_rejects,
    over_budget,
)
from spark.mapping.source_mapping import UNMAPPED

HEADER = "user_id,session_id,action_type,product_id,event_time"
GOOD = "u,s,view,p,2026-01-01T00:00:00Z"
BAD = "u,s,dance,p,2026-01-01T00:00:00Z"


def inspected(place: Path, header: str, *lines: str) -> Inspection:
    file = place / "a.csv"
    file.write_text("\n".join((header, *lines, "")))
    return inspect_file(str(file).encode())


def known(*headers: str) -> KnownColumns:
    found = KnownColumns()
    for header in headers:
        found.add(header.split(","))
    return found


@pytest.mark.parametrize(
    ("header", "drift", "reason", "is_held"),
    [
        (HEADER, "quarantine", None, False),
        (HEADER + ",colour", "accept", None, False),
        (HEADER + ",colour", "quarantine", "new_columns", True),
        (HEADER + ",colour", "refuse", "new_columns", False),
        (HEADER.replace(",product_id", ",price,product_id").upper(), "quarantine", None, False),
        (HEADER.replace("session_id,", "session_id,country,"), "refuse", None, False),
    ],
    ids=["known", "accepted", "held", "refused", "case and order", "one of the known ones had it"],
)
def test_columns_that_no_file_of_the_source_had_before_are_drift(
    tmp_path: Path, header: str, drift: Drift, reason: str | None, is_held: bool
) -> None:
    before = known(HEADER + ",price", HEADER + ",country")
    found = judged_by_columns(inspected(tmp_path, header, GOOD + ",x"), before, drift)
    assert (found.reason, found.is_held) == (reason, is_held)


def test_a_column_that_every_file_had_and_this_one_lacks_is_drift(tmp_path: Path) -> None:
    before = known(HEADER + ",price", HEADER + ",price,country")
    found = judged_by_columns(inspected(tmp_path, HEADER, GOOD), before, "quarantine")
    assert found.reason == "lacking_columns"
    assert found.detail == "All files of its source had these columns before: price."


def test_the_first_file_of_a_source_says_which_columns_are_known_and_so_does_each_that_is_taken(
    tmp_path: Path,
) -> None:
    before = known()
    reasons = [
        judged_by_columns(inspected(tmp_path, header, GOOD + ",x"), before, drift).reason
        for header, drift in [
            (HEADER, "quarantine"),
            (HEADER + ",colour", "quarantine"),
            (HEADER + ",colour", "accept"),
            (HEADER + ",colour", "quarantine"),
        ]
    ]
    assert reasons == [None, "new_columns", None, None]


@pytest.mark.parametrize(
    ("bad", "budget", "is_held"), [(1, 10, False), (1, 9.9, True), (0, 0, False), (10, 100, False)]
)
def test_a_file_with_more_rejects_than_its_source_may_have_is_held_back(
    tmp_path: Path, bad: int, budget: float, is_held: bool
) -> None:
    inspection = inspected(tmp_path, HEADER, *[GOOD] * (10 - bad), *[BAD] * bad)
    found = judged_by_rejects(inspection, str(tmp_path / "a.csv").encode(), b"a.csv", UNMAPPED, budget)
    assert (found.is_held, found.reason) == ((True, ERROR_BUDGET) if is_held else (False, None))


def test_the_sentence_says_how_many_and_why() -> None:
    rejects = Counter({"unknown_action_type": 40, "invalid_price": 2})
    assert over_budget(rejects, 100, 5.0) == (
        "42 of its 100 records, 42.00 %, are rejects, over the budget of 5 %: unknown_action_type 40, invalid_price 2."
    )


def test_what_was_refused_already_and_what_was_replayed_is_not_judged(tmp_path: Path) -> None:
    path = str(tmp_path / "a.csv").encode()
    replayed = inspected(tmp_path, "replay_of," + HEADER, "1:2," + BAD)
    assert judged_by_rejects(replayed, path, b"a.csv", UNMAPPED, 0.0).reason is None
    assert judged_by_columns(replayed, known(HEADER), "refuse").reason is None
    nothing = inspected(tmp_path, "a,b", "1,2")
    assert nothing.reason
    assert judged_by_rejects(nothing, path, b"a.csv", UNMAPPED, 0.0) is nothing
    assert judged_by_columns(nothing, known(HEADER), "quarantine") is nothing
