"""Which check of a source turns which colour."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from clickstream_assets.checks.source_checks import Facts, freshness, held_files, reject_rate, schema_drift
from clickstream_assets.ledger.source_reads import NOTHING, SourceFacts
from clickstream_assets.ledger.waiting import WaitingFiles
from clickstream_assets.sources.source import Source

NO_FILES = WaitingFiles(0, 0, 0, None, None, (), 0, (), (), 0)
SHOP = Source("shop", Path("/srv/shop"), settle_seconds=30.0, owner="shop-team")


def facts(waiting: WaitingFiles | None = NO_FILES, **of_ledger: object) -> Facts:
    return Facts(SHOP, waiting, SourceFacts(**of_ledger))  # type: ignore[arg-type]


def waits(seconds: float) -> WaitingFiles:
    return replace(NO_FILES, files=2, oldest_age_seconds=seconds, oldest_paths=("a.csv",))


def test_a_source_of_which_nothing_is_known_is_well() -> None:
    for check in (freshness, reject_rate, held_files, schema_drift):
        assert check(facts()).verdict == "pass"


@pytest.mark.parametrize(("seconds", "verdict"), [(89, "pass"), (91, "warn"), (329, "warn"), (331, "error")])
def test_the_time_that_files_have_to_settle_is_not_held_against_the_stream(
    seconds: float, verdict: str
) -> None:
    assert freshness(facts(waits(seconds))).verdict == verdict


def test_a_directory_that_cannot_be_listed_is_an_error_of_its_source() -> None:
    gone = freshness(facts(None))
    assert (gone.verdict, gone.description) == (
        "error",
        "/srv/shop is not there, or does not answer: files of this source are not taken.",
    )
    assert gone.metadata == {"owner": "shop-team"}
    stalled = freshness(facts(problem="/srv/shop does not answer"))
    assert (stalled.verdict, stalled.description) == (
        "error",
        "/srv/shop does not answer: files of this source are not taken.",
    )
    assert freshness(facts(replace(NO_FILES, unlistable=("sub",)))).verdict == "error"


@pytest.mark.parametrize(("rejected", "verdict"), [(5, "pass"), (6, "warn"), (20, "warn"), (21, "error")])
def test_the_rate_of_rejects_is_that_of_the_source(rejected: int, verdict: str) -> None:
    counts = replace(NOTHING, rows_read=100, rows_inserted=100 - rejected, rows_rejected=rejected, files=1)
    judgement = reject_rate(facts(counts=counts))
    assert judgement.verdict == verdict
    assert judgement.metadata["rows_rejected"] == rejected


def test_what_is_held_back_or_refused_warns_and_says_what_to_do() -> None:
    held = held_files(
        facts(
            held_files=2,
            held_rows=2000,
            held_since=datetime(2026, 1, 1, 12, tzinfo=UTC),
            held_reasons=("error_budget",),
            refused_files=1,
            refused_reasons=("new_columns",),
        )
    )
    assert held.verdict == "warn"
    assert held.description == (
        "2 files with 2,000 rows are held back, the first since 2026-01-01 12:00 UTC (error_budget): release or drop "
        "them (clickstream files); 1 files were refused in the last hour (new_columns)."
    )


def test_a_new_header_warns() -> None:
    assert schema_drift(facts(new_headers=1)).verdict == "warn"
