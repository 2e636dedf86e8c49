"""Retention as the stream sees it: rows that are too old are rejected, whatever made them so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from databases import run_sql
from stream_pipeline import Pipeline, event

pytestmark = pytest.mark.spark


def days_ago(days: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_rows_beyond_the_retention_are_rejected_as_too_old(pipeline: Pipeline) -> None:
    pipeline.settings = pipeline.settings.changed(retention_days=90)
    old = days_ago(90.1)
    pipeline.write("a.csv", event(1, event_time=old) + event(2, event_time=days_ago(89)))
    pipeline.load()
    assert pipeline.counts() == (2, 1, 0, 1)
    assert pipeline.rows("SELECT reason, detail FROM rejected_events") == [("too_old", old)]
    pipeline.assert_conserved()


def test_rows_from_before_what_was_dropped_are_rejected_even_where_the_limit_was_lifted(
    pipeline: Pipeline,
) -> None:
    old = event(1, event_time="2026-01-31T23:59:59Z")
    pipeline.write("a.csv", old + event(2, event_time="2026-02-01T00:00:00Z"))
    pipeline.load()
    run_sql(pipeline.database.owner_url, "UPDATE summary_state SET through_batch_id = 1")
    run_sql(pipeline.database.owner_url, "SELECT drop_oldest_event_partition('2026-02-01Z')")
    pipeline.assert_conserved()
    pipeline.write("b.csv", old + event(3, event_time="2026-02-02T00:00:00Z"))
    pipeline.load()
    assert pipeline.counts() == (4, 3, 0, 1)
    assert pipeline.reasons() == {"too_old": 1}
    assert pipeline.rows("SELECT count(*)::int FROM events") == [(2,)]
    pipeline.assert_conserved()
