"""The rules of Prometheus judge by the limits of the checks, which are written down once."""

from __future__ import annotations

import re

import pytest

from clickstream_assets import thresholds
from scripts.alert_rules import RULES, with_limits


def test_the_rules_have_the_limits_of_the_checks() -> None:
    assert with_limits(RULES.read_text()) == RULES.read_text(), "make alert-rules"


def test_a_limit_that_is_changed_changes_its_rules_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    before = RULES.read_text()
    monkeypatch.setattr(thresholds, "FRESHNESS", thresholds.Limits(warn_above=77.0, error_above=777.0))
    changed = [
        (old, new)
        for old, new in zip(before.split("\n"), with_limits(before).split("\n"), strict=True)
        if old != new
    ]
    assert [re.findall(r"> ([\d.]+) ", line) for pair in changed for line in pair] == [
        ["60"],
        ["77"],
        ["300"],
        ["777"],
    ]


@pytest.mark.parametrize(
    "metric",
    ["backlog_oldest_seconds", "file_latency_seconds_bucket", "rows_total", "conflicting_rows_total"],
)
def test_what_a_check_judges_has_no_number_of_its_own_in_the_rules(metric: str) -> None:
    lines = [
        line for line in RULES.read_text().split("\n") if f"clickstream_{metric}" in line and "expr:" in line
    ]
    assert lines
    for line in lines:
        assert re.search(r"[>+] [\d.]+  # [A-Z]", line), line
