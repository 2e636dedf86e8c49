"""What the sensor `event_check_results` reports: the checks on `events`, without a run, at once where one changes."""

from __future__ import annotations

import time

import dagster as dg
from psycopg2.extensions import connection as Connection

from clickstream_assets.checks.event_checks import EVENT_CHECKS
from clickstream_assets.checks.judgement import Judgement
from clickstream_assets.checks.look import Look
from clickstream_assets.checks.new_batches import audit_new_batches
from clickstream_assets.checks.on_events import conservation
from clickstream_assets.settings import Settings

REPORT_EVERY = 60.0  # seconds; a verdict that changes is reported at once
# Of these the numbers hardly change, and every report is rows in Dagster's storage.
REPORT_SELDOM = {  # times REPORT_EVERY
    "stream_alive": 5,
    "id_conflicts": 5,
    "schema_drift": 5,
    "same_id_other_time": 5,
}
FIRST_LOOK = 60.0  # seconds from the code server's start within which the supervisor has started a stream

Reports = dict[str, tuple[str, float]]  # by check: the verdict last reported, and when

_LOADED_AT = time.monotonic()


def evaluate_checks(
    connection: Connection, settings: Settings, instance: dg.DagsterInstance, reports: Reports
) -> list[dg.AssetCheckEvaluation]:
    """Measure everything; return what is new, and note it in `reports`."""
    look = Look(connection, settings, is_awaited=time.monotonic() - _LOADED_AT < FIRST_LOOK)
    evaluations = []
    for name in EVENT_CHECKS:
        verdict, reported_at = reports.get(name, ("", 0.0))
        is_due = time.time() - reported_at >= REPORT_EVERY * REPORT_SELDOM.get(name, 1)
        judgement = _measure(name, look, instance, is_due=is_due)
        if judgement is not None and (is_due or judgement.verdict != verdict):
            reports[name] = (judgement.verdict, time.time())
            evaluations.append(judgement.evaluation(name))
    return evaluations


def _measure(name: str, look: Look, instance: dg.DagsterInstance, *, is_due: bool) -> Judgement | None:
    if name == "conservation":  # the whole of it, which its button looks at, takes minutes
        audited = audit_new_batches(look.connection, instance) if is_due else None
        return None if audited is None else conservation.judge(audited)
    check = EVENT_CHECKS[name]
    judgement: Judgement = check.judge(check.read(look))
    return judgement
