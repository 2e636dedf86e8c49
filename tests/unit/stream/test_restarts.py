"""When a query that failed is started again. Guards a stream against ending for what passes, and against starting for
ever what cannot work."""

from __future__ import annotations

import errno

import psycopg2

from clickstream_assets.outages.errors import LONGEST_PAUSE
from spark.stream.restarts import BUSY_STARTS, GONE_STARTS, STARTS, Failure, Restarts, failure_of

PASSES = Failure("the database is away", passes=True)
UNKNOWN = Failure("it failed")
BUSY = Failure("a worker failed to connect back", starts=BUSY_STARTS)


def test_what_passes_by_itself_is_waited_for_as_long_as_it_takes() -> None:
    restarts = Restarts()
    pauses = [restarts.pause(PASSES, has_worked=False) for _ in range(1000)]
    assert None not in pauses
    assert pauses[0] == 0.5
    assert pauses[-1] == LONGEST_PAUSE


def test_what_nobody_knows_may_fail_a_few_times_in_a_row() -> None:
    restarts = Restarts()
    pauses = [restarts.pause(UNKNOWN, has_worked=False) for _ in range(STARTS)]
    assert None not in pauses[:-1]
    assert pauses[-1] is None


def test_a_query_that_worked_begins_the_count_anew() -> None:
    restarts = Restarts()
    for _ in range(100):
        assert restarts.pause(UNKNOWN, has_worked=True) == 0.5


def test_an_outage_in_between_is_no_excuse_for_what_always_fails() -> None:
    restarts = Restarts()
    failures = [UNKNOWN, PASSES, UNKNOWN, PASSES, UNKNOWN]
    assert [restarts.pause(failure, has_worked=False) for failure in failures][-1] is None


def test_a_busy_machine_gets_more_starts() -> None:
    restarts = Restarts()
    pauses = [restarts.pause(BUSY, has_worked=False) for _ in range(BUSY_STARTS)]
    assert None not in pauses[:-1]
    assert pauses[-1] is None


def test_failures_are_told_apart_by_their_errors() -> None:
    assert failure_of(psycopg2.OperationalError("timeout expired")) == Failure(
        "the database does not answer as it should: timeout expired", passes=True
    )
    late = failure_of(Exception("org.apache.spark.SparkException: Python worker failed to connect back."))
    assert (late.passes, late.starts) == (False, BUSY_STARTS)
    java = "An error occurred while calling o1.load.\n: java.io.IOException: Stream closed\n\tat java.lang.Thread.run()"
    gone = failure_of(Exception(java))
    assert gone == Failure("the Spark query failed: java.io.IOException: Stream closed", starts=GONE_STARTS)
    bug = failure_of(
        Exception("Traceback:\n  File x\nValueError: no\n=== Streaming Query ===\nmore: than that")
    )
    assert bug == Failure("the Spark query failed: ValueError: no")


def test_what_is_waited_for_is_known_also_from_what_spark_says_of_another_process() -> None:
    stale = OSError(errno.ESTALE, "Stale file handle", "/events/a.csv")
    assert failure_of(stale) == Failure(
        "/events/a.csv cannot be read: Stale file handle", passes=True, what="the events directory"
    )
    said = "Job aborted: spark.outage.DirectoryAway: /events cannot be read: No such file or directory\n"
    assert failure_of(Exception(said)) == Failure(
        "/events cannot be read: No such file or directory", passes=True, what="the events directory"
    )
    assert failure_of(Exception("Job aborted: spark.outage.Outage: it is away")).what == "the database"


def test_a_full_disk_needs_no_more_words_than_its_own() -> None:
    full = failure_of(Exception("java.io.IOException: No space left on device"))
    assert (full.passes, full.is_known) == (False, True)
