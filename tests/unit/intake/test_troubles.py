"""Troubles of sources: recorded when they change, and again where they could not be recorded."""

from __future__ import annotations

import psycopg2
import pytest

from spark.intake.source_records import SourceRecords
from spark.intake.troubles import Troubles


class Records(SourceRecords):
    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []
        self.is_away = False

    def record_problem(self, source: str, problem: str | None) -> None:
        if self.is_away:
            raise psycopg2.OperationalError("away")
        self.told.append((source, problem))

    def record_fault(self, fault: str | None) -> None:
        self.told.append((fault,))


def test_a_problem_is_recorded_when_it_begins_and_when_it_is_over() -> None:
    records = Records()
    troubles = Troubles(records)
    troubles.begin(["shop"])
    for problem in (None, "stalled", "stalled", None, None):
        troubles.tell("shop", problem)
    assert records.told == [("shop", "stalled"), ("shop", None)]


def test_a_problem_that_could_not_be_recorded_is_recorded_later() -> None:
    records = Records()
    troubles = Troubles(records)
    troubles.begin(["shop"])
    records.is_away = True
    with pytest.raises(psycopg2.OperationalError):
        troubles.tell("shop", "stalled")
    records.is_away = False
    troubles.tell("shop", "stalled")
    assert records.told == [("shop", "stalled")]


def test_a_fault_is_recorded_once_and_anew_for_new_sources() -> None:
    records = Records()
    troubles = Troubles(records)
    for begins, fault in ((True, "no TOML"), (False, "no TOML"), (True, "no TOML"), (False, None)):
        if begins:
            troubles.begin(["shop"])
        troubles.tell_fault(fault)
    assert records.told == [("no TOML",), ("no TOML",), (None,)]
