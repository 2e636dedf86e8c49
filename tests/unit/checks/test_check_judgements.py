"""Guards the limits of the checks: what is judged, and that the numbers are there, pass or fail."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import dagster as dg
import pytest

from clickstream_assets.checks.judgement import Judgement
from clickstream_assets.checks.on_events import conservation, freshness, id_conflicts, latency
from clickstream_assets.checks.on_events.rates import Rate, judge_rate
from clickstream_assets.checks.on_events.worst_files import WorstFile, worst_named
from clickstream_assets.conservation.books import Offence
from clickstream_assets.conservation.outcome import Audit
from clickstream_assets.ledger.facts import Counts, Latency, WindowCounts
from clickstream_assets.ledger.waiting import WaitingFiles
from clickstream_assets.thresholds import BEHIND_AFTER, DUPLICATE_RATE, FRESHNESS, Limits, worst

NOTHING_WAITS = WaitingFiles(0, 0, 0, None, None, (), 0, (), (), 3)


def waiting(age: float) -> WaitingFiles:
    return replace(NOTHING_WAITS, files=2, oldest_age_seconds=age, oldest_paths=("a.csv",))


def judge_freshness(waiting: WaitingFiles, newest_event_age: float | None) -> Judgement:
    return freshness.judge(freshness.Facts(waiting, newest_event_age))


def judge_latency(measured: Latency) -> Judgement:
    return latency.judge(latency.Facts(measured, 300.0, service_level=1.0))


def window(read: int, duplicate: int) -> WindowCounts:
    return WindowCounts(read, read - duplicate, duplicate, 0, 1, 0, 0, 3600.0)


def test_a_limit_itself_is_still_within() -> None:
    limits = Limits(warn_above=1.0, error_above=2.0)
    assert [limits.verdict(value) for value in (1.0, 1.1, 2.0, 2.1)] == ["pass", "warn", "warn", "error"]


@pytest.mark.parametrize(
    ("age", "verdict"),
    [
        (0.1, "pass"),
        (FRESHNESS.warn_above, "pass"),
        (FRESHNESS.warn_above + 1, "warn"),
        (FRESHNESS.error_above + 1, "error"),
    ],
)
def test_freshness_judges_the_oldest_waiting_file(age: float, verdict: str) -> None:
    judgement = judge_freshness(waiting(age), None)
    assert judgement.verdict == verdict
    assert judgement.metadata["oldest_waiting_seconds"] == age


def test_an_idle_stream_is_not_stale_however_old_the_newest_event() -> None:
    judgement = judge_freshness(NOTHING_WAITS, newest_event_age=1e7)
    assert judgement.verdict == "pass"
    assert judgement.metadata["newest_event_age_seconds"] == 1e7


def test_a_directory_that_cannot_be_listed_is_never_green() -> None:
    judgement = judge_freshness(replace(NOTHING_WAITS, unlistable=("2026/",)), None)
    assert judgement.verdict == "error"
    assert "2026/" in judgement.description


def test_an_events_directory_whose_file_system_is_not_mounted_is_never_green() -> None:
    judgement = freshness.judge(freshness.Facts(NOTHING_WAITS, None, away="/mnt/drop is empty, and so on"))
    assert (judgement.verdict, judgement.description) == ("error", "/mnt/drop is empty, and so on.")


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (1, "1 file cannot be read at present, and the rest goes on without: a.csv"),
        (4, "4 files cannot be read at present, and the rest goes on without: a.csv, b.csv, c.csv"),
    ],
)
def test_files_that_nobody_waits_for_are_named(files: int, says: str) -> None:
    paths = ("a.csv", "b.csv", "c.csv", "d.csv")[:files]
    judgement = judge_freshness(replace(waiting(1), set_aside=files, set_aside_paths=paths), None)
    assert judgement.description.endswith(f"{says}.")
    assert judgement.metadata["cannot_be_read"] == list(paths)


def test_a_rate_is_judged_over_the_window_and_shown_over_the_lifetime() -> None:
    judgement = judge_rate(
        Rate("duplicates", DUPLICATE_RATE, 60, 60, window(100, 60), Counts(100_000, 0, 60, 0))
    )
    assert judgement.verdict == "error"
    assert (judgement.metadata["rate"], judgement.metadata["lifetime_rate"]) == (0.6, 0.0006)
    judgement = judge_rate(
        Rate("duplicates", DUPLICATE_RATE, 0, 90_000, window(100, 0), Counts(100_000, 0, 90_000, 0))
    )
    assert judgement.verdict == "pass"


def test_no_rows_at_all_is_a_pass_that_says_so() -> None:
    judgement = judge_rate(Rate("rejected", DUPLICATE_RATE, 0, 0, window(0, 0), Counts(0, 0, 0, 0)))
    assert judgement.verdict == "pass"
    assert "No rows were read" in judgement.description


def test_a_warning_and_an_error_differ_in_severity() -> None:
    warning = judge_freshness(waiting(FRESHNESS.warn_above + 1), None)
    error = judge_freshness(waiting(FRESHNESS.error_above + 1), None)
    assert [j.result().severity for j in (warning, error)] == [
        dg.AssetCheckSeverity.WARN,
        dg.AssetCheckSeverity.ERROR,
    ]
    assert not warning.result().passed


def test_an_offence_against_conservation_is_named() -> None:
    offence = Offence("file_events", "file 7: 3 events are missing")
    audit = Audit(1, 2, Counts(10, 7, 2, 1), (offence,), 1, 0.1, datetime.now(UTC))
    judgement = conservation.judge(conservation.Facts(audit, since_batch=40))
    assert judgement.verdict == "error"
    assert "3 events are missing" in judgement.description
    assert judgement.metadata["through_batch"] == 42


def test_a_result_of_a_run_and_one_of_the_sensor_say_the_same() -> None:
    judgement = judge_freshness(waiting(FRESHNESS.error_above + 1), 5.0)
    result, evaluation = judgement.result(), judgement.evaluation("freshness")
    assert (result.passed, result.severity, result.metadata, result.description) == (
        evaluation.passed,
        evaluation.severity,
        evaluation.metadata,
        evaluation.description,
    )


def test_the_worst_of_several_verdicts_counts() -> None:
    assert worst("pass", "pass") == "pass"
    assert worst("pass", "error", "warn") == "error"


def test_a_stream_is_called_behind_before_freshness_warns() -> None:
    assert BEHIND_AFTER < FRESHNESS.warn_above < FRESHNESS.error_above


def test_latency_is_judged_by_its_99th_percentile_and_never_fails() -> None:
    assert judge_latency(Latency(9, 0.2, 0.5, 1.0, 8.0)).verdict == "pass"
    judgement = judge_latency(Latency(9, 0.2, 0.5, 1e6, 2e6))
    assert judgement.verdict == "warn"
    assert "p99 11 d 13 h" in judgement.description
    nothing = judge_latency(Latency(0, None, None, None, None))
    assert (nothing.verdict, nothing.description) == ("pass", "No file became visible in the last 5 min.")


def test_a_file_that_must_settle_first_is_not_late_for_that() -> None:
    """With the default of one second for files of other producers, the check was yellow for ever."""
    measured = Latency(9, 1.05, 1.08, 1.1, 1.2)
    judgement = latency.judge(latency.Facts(measured, 300.0, service_level=1.0, settle_seconds=1.0))
    assert judgement.verdict == "pass"
    assert "wanted are 2.0 s, of which a file waits 1.0 s until it is read" in judgement.description
    late = latency.Facts(replace(measured, p99_seconds=2.1), 300.0, service_level=1.0, settle_seconds=1.0)
    assert latency.judge(late).verdict == "warn"


def test_conflicts_beyond_what_is_counted_are_said_to_be_at_least_so_many() -> None:
    judgement = id_conflicts.judge(id_conflicts.Facts(window(0, 0), 100_000, []))
    assert judgement.verdict == "pass"
    assert "at least 100,000 of all time" in judgement.description
    assert judgement.metadata["lifetime_is_exact"] is False


def test_a_file_whose_name_breaks_the_line_is_named_on_one_line() -> None:
    file = WorstFile("day\n1\x1b[2J.csv", 70, 100, datetime(2026, 3, 1, 14, 5, tzinfo=UTC))
    assert worst_named([file]) == " Most in day\\n1\\x1b[2J.csv: 70 of 100, at 14:05:00 UTC."
    assert worst_named([]) == ""
